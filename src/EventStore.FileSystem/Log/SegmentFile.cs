using System.Buffers;
using EventStore.FileSystem.Disk;

namespace EventStore.FileSystem.Log;

/// <summary>A segment's file, read as the segment it holds, however it is stored.</summary>
internal interface ISegmentFile : IDisposable
{
    /// <summary>How long the segment is, unpacked.</summary>
    long Length { get; }

    /// <summary>Reads from an offset in the segment on; answers how much there was.</summary>
    /// <exception cref="CorruptStorageException">A packed block is damaged.</exception>
    int Read(Span<byte> into, long offset);
}

/// <summary>Opens segments, whichever way they are stored.</summary>
internal static class SegmentFile
{
    public const string Advice = "Restore the store from a backup, or save what is left of it into a new directory with FileSystemStore.RepairAsync, which tells what was lost.";

    /// <param name="disk">The disk.</param>
    /// <param name="path">The file.</param>
    /// <param name="storeSeed">The store's part in every checksum.</param>
    /// <param name="cache">Keeps unpacked blocks.</param>
    /// <exception cref="CorruptStorageException">It is packed, and its head or table is damaged.</exception>
    /// <exception cref="StorageFormatException">It is packed in an unknown way.</exception>
    public static ISegmentFile Open(IDisk disk, string path, ulong storeSeed, PackedBlockCache cache)
    {
        var file = disk.Open(path, forWriting: false);
        try
        {
            Span<byte> head = stackalloc byte[PackedFormat.HeaderLength];
            head = head[..file.Read(head, 0)];
            return PackedFormat.IsPacked(head) ? new PackedSegmentFile(file, $"{disk.Root}/{path}", head, storeSeed, cache) : new PlainSegmentFile(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Reads the head of the segment in a file; a null problem means it is sound.</summary>
    /// <exception cref="StorageFormatException">It is of an unknown format.</exception>
    public static SegmentHeader ReadHeader(ISegmentFile file, string place, out string? problem)
    {
        if (file is PackedSegmentFile packed)
        {
            problem = null;
            return packed.Header.Segment;
        }

        var bytes = new byte[Format.SegmentHeaderLength];
        var header = Format.ReadSegmentHeader(bytes.AsSpan(0, file.Read(bytes, 0)), out problem);
        if (problem is null) Format.RequireKnown(bytes, place);
        return header;
    }
}

/// <summary>A segment as it was written.</summary>
internal sealed class PlainSegmentFile(IDiskFile file) : ISegmentFile
{
    public long Length => file.Length;

    public int Read(Span<byte> into, long offset) => file.Read(into, offset);

    public void Dispose() => file.Dispose();
}

/// <summary>A segment in blocks that are unpacked when they are read.</summary>
internal sealed class PackedSegmentFile : ISegmentFile
{
    private readonly IDiskFile file;
    private readonly string place;
    private readonly ulong seed;
    private readonly PackedBlockCache cache;
    private readonly byte[] table;

    public PackedSegmentFile(IDiskFile file, string place, ReadOnlySpan<byte> head, ulong storeSeed, PackedBlockCache cache)
    {
        (this.file, this.place, seed, this.cache) = (file, place, storeSeed, cache);
        Header = PackedFormat.ReadHeader(head, file.Length, place, out var problem);
        if (problem is not null) throw Damaged(0, problem);
        table = new byte[Header.Blocks * PackedFormat.EntryLength];
        if (file.Read(table, Header.TableStart) != table.Length || PackedFormat.CrcOf(table, seed, Header.Segment.Number, Header.Blocks) != Header.TableCrc)
            throw Damaged(Header.TableStart, "the checksum of its table of blocks is wrong.");
    }

    public PackedHeader Header { get; }

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

    /// <summary>How long a block is, unpacked.</summary>
    public int LengthOf(int number) => (int)Math.Min(Header.BlockLength, Length - ((long)number * Header.BlockLength));

    /// <summary>Reads a block from the disk and unpacks it.</summary>
    public void Unpack(int number, Span<byte> into)
    {
        var block = PackedFormat.ReadEntry(table.AsSpan(number * PackedFormat.EntryLength));
        var rented = ArrayPool<byte>.Shared.Rent(block.StoredLength);
        try
        {
            var stored = rented.AsSpan(0, block.StoredLength);
            if (file.Read(stored, block.Offset) != stored.Length || PackedFormat.CrcOf(stored, seed, Header.Segment.Number, number) != block.Crc)
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

/// <summary>Keeps the blocks unpacked last, as many as fit; a block displaced by another is unpacked again.</summary>
internal sealed class PackedBlockCache(int slots = 64)
{
    private readonly Slot?[] entries = new Slot?[slots];

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
