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
            if (slot.File != file || slot.Number != number)
            {
                slot.File = null;
                if (slot.Block.Length < file.Header.BlockLength) slot.Block = new byte[file.Header.BlockLength];
                file.Unpack(number, slot.Block.AsSpan(0, file.LengthOf(number)));
                (slot.File, slot.Number) = (file, number);
            }

            slot.Block.AsSpan(start, into.Length).CopyTo(into);
        }
    }

    private sealed class Slot
    {
        public PackedSegmentFile? File { get; set; }

        public int Number { get; set; }

        public byte[] Block { get; set; } = [];
    }
}
