using System.Buffers;
using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;

namespace EventStore.FileSystem.Segments;

/// <summary>A segment in blocks that are unpacked when they are read.</summary>
internal sealed class PackedSegmentFile : ISegmentFile
{
    private readonly IDiskFile file;
    private readonly string place;
    private readonly ulong seed;
    private readonly PackedBlockCache cache;
    private readonly byte[] table;

    public PackedSegmentFile(IDiskFile file, string place, ReadOnlySpan<byte> head, PackedBlockCache cache)
    {
        (this.file, this.place, seed, this.cache) = (file, place, cache.Seed, cache);
        Header = PackedFormat.ReadHeader(head, file.Length, place, out var problem);
        if (problem is not null) throw Damaged(0, problem);
        table = new byte[Header.Blocks * PackedFormat.EntryLength];
        if (file.Read(table, Header.TableStart) != table.Length
            || PackedFormat.CrcOf(table, seed, Header.Segment.Number, Header.Blocks) != Header.TableCrc)
            throw Damaged(Header.TableStart, "the checksum of its table of blocks is wrong.");
    }

    public PackedHeader Header { get; }

    public PackedHeader? Packing => Header;

    public long Length => Header.Length;

    public int Read(Span<byte> into, long offset)
    {
        into = into[..(int)Math.Clamp(Length - offset, 0, into.Length)];
        for (var at = 0; at < into.Length;)
        {
            var (number, start) = ((int)((offset + at) / Header.BlockLength), (int)((offset + at) % Header.BlockLength));
            var length = LengthOf(number);
            var part = into.Slice(at, Math.Min(length - start, into.Length - at));
            if (part.Length == length) Unpack(number, part);
            else cache.Copy(this, number, start, part);
            at += part.Length;
        }

        return into.Length;
    }

    /// <summary>The length of a block, unpacked.</summary>
    public int LengthOf(int number) => (int)Math.Min(Header.BlockLength, Length - ((long)number * Header.BlockLength));

    /// <summary>Reads a block from the disk and unpacks it.</summary>
    public void Unpack(int number, Span<byte> into)
    {
        var block = PackedFormat.ReadEntry(table.AsSpan(number * PackedFormat.EntryLength));
        if (block.StoredLength < 0 || block.StoredLength > Header.BlockLength || block.Offset < PackedFormat.HeaderLength
            || block.Offset > Header.TableStart - block.StoredLength)
            throw Damaged(Header.TableStart, $"block {number} has an impossible place or length.");
        var rented = ArrayPool<byte>.Shared.Rent(block.StoredLength);
        try
        {
            var stored = rented.AsSpan(0, block.StoredLength);
            if (file.Read(stored, block.Offset) != stored.Length
                || PackedFormat.CrcOf(stored, seed, Header.Segment.Number, number) != block.Crc)
                throw Damaged(block.Offset, "the checksum of a block is wrong.");
            if (!BlockCodec.TryDecode(stored, block.Coding, into)) throw Damaged(block.Offset, "a block cannot be unpacked.");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    public void Dispose() => file.Dispose();

    private CorruptStorageException Damaged(long offset, string problem) => new($"{place}, offset {offset}", problem, SegmentFile.Advice);
}
