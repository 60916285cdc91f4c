using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;

namespace EventStore.FileSystem.Segments;

/// <summary>Writes a packed segment block by block; it is whole once finished.</summary>
internal sealed class PackedWriter(IDiskFile file, SegmentHeader header, ulong storeSeed, PackSettings settings)
{
    private readonly byte[] block = new byte[settings.BlockLength];
    private readonly byte[] output = new byte[settings.BlockLength];
    private readonly List<PackedBlock> blocks = [];
    private int used;
    private long length;
    private long offset = PackedFormat.HeaderLength;

    /// <summary>The checksum of everything written, unpacked.</summary>
    public uint Crc { get; private set; }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            var part = bytes[..Math.Min(bytes.Length, block.Length - used)];
            part.CopyTo(block.AsSpan(used));
            Advance(part.Length);
            bytes = bytes[part.Length..];
        }
    }

    public void WriteZeros(long count, CancellationToken cancellationToken)
    {
        while (count > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var part = (int)Math.Min(count, block.Length - used);
            block.AsSpan(used, part).Clear();
            Advance(part);
            count -= part;
        }
    }

    public void Finish()
    {
        EndBlock();
        var table = new byte[blocks.Count * PackedFormat.EntryLength];
        for (var i = 0; i < blocks.Count; i++) PackedFormat.WriteEntry(table.AsSpan(i * PackedFormat.EntryLength), blocks[i]);
        file.Write(table, offset);
        var head = new byte[PackedFormat.HeaderLength];
        PackedFormat.WriteHeader(head, new PackedHeader(
            header, length, block.Length, blocks.Count, offset, PackedFormat.CrcOf(
                table, storeSeed, header.Number, blocks.Count), settings.Compresses));
        file.Write(head, 0);
    }

    private void Advance(int bytes)
    {
        used += bytes;
        length += bytes;
        if (used == block.Length) EndBlock();
    }

    private void EndBlock()
    {
        if (used == 0) return;
        var full = block.AsSpan(0, used);
        Crc = Crc32C.Of(full, Crc);
        var stored = BlockCodec.Encode(full, settings.Compresses, output, out var coding);
        file.Write(stored, offset);
        blocks.Add(new PackedBlock(offset, stored.Length, coding, PackedFormat.CrcOf(stored, storeSeed, header.Number, blocks.Count)));
        offset += stored.Length;
        used = 0;
    }
}
