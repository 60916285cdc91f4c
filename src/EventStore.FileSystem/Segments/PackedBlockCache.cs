using System.Buffers;

namespace EventStore.FileSystem.Segments;

/// <summary>A bounded cache of unpacked blocks; a displaced block is unpacked again.</summary>
internal sealed class PackedBlockCache(ulong storeSeed, int slots = 64)
{
    private readonly Slot?[] entries = new Slot?[slots];

    /// <summary>The seed of the checksums of the store whose blocks are kept.</summary>
    public ulong Seed => storeSeed;

    public void Copy(PackedSegmentFile file, int number, int start, Span<byte> into)
    {
        ref var place = ref entries[(uint)((file.Header.Segment.Number * 31) + number) % (uint)entries.Length];
        var slot = place ?? Interlocked.CompareExchange(ref place, new Slot(), null) ?? place;
        lock (slot)
        {
            slot.Read(file, number).Slice(start, into.Length).CopyTo(into);
        }
    }

    // Guarded by itself.
    private sealed class Slot
    {
        private PackedSegmentFile? held;
        private int heldNumber;
        private byte[] block = [];

        /// <summary>A block, unpacked. It is valid until the next call.</summary>
        public ReadOnlySpan<byte> Read(PackedSegmentFile file, int number)
        {
            if (held == file && heldNumber == number) return block;
            held = null;
            if (block.Length < file.Header.BlockLength) block = new byte[file.Header.BlockLength];
            file.Unpack(number, block.AsSpan(0, file.LengthOf(number)));
            (held, heldNumber) = (file, number);
            return block;
        }
    }
}
