using System.Buffers;
using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;

namespace EventStore.FileSystem.Segments;

/// <summary>The file of a segment, read as if it were not packed.</summary>
internal interface ISegmentFile : IDisposable
{
    /// <summary>The length of the segment, unpacked.</summary>
    long Length { get; }

    /// <summary>The head of the packed file; null if the segment is stored as it was written.</summary>
    PackedHeader? Packing { get; }

    /// <summary>Reads from an offset in the segment on; returns the number of bytes read.</summary>
    /// <exception cref="CorruptStorageException">A packed block is damaged.</exception>
    int Read(Span<byte> into, long offset);
}

/// <summary>Opens segments, packed or not.</summary>
internal static class SegmentFile
{
    public const string Advice =
        "Restore the store from a backup, or save what is left of it into a new directory with FileSystemStore.RepairAsync, "
        + "which reports what was lost.";

    /// <param name="disk">The disk.</param>
    /// <param name="path">The file.</param>
    /// <param name="cache">Keeps unpacked blocks.</param>
    /// <exception cref="CorruptStorageException">It is packed, and its head or table is damaged.</exception>
    /// <exception cref="StorageFormatException">It is packed in an unknown way.</exception>
    public static ISegmentFile Open(IDisk disk, string path, PackedBlockCache cache)
    {
        var file = disk.Open(path, forWriting: false);
        try
        {
            Span<byte> head = stackalloc byte[PackedFormat.HeaderLength];
            head = head[..file.Read(head, 0)];
            return PackedFormat.IsPacked(head)
                ? new PackedSegmentFile(file, $"{disk.Root}/{path}", head, cache)
                : new PlainSegmentFile(file);
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
        if (file.Packing is { } packing)
        {
            problem = null;
            return packing.Segment;
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

    public PackedHeader? Packing => null;

    public int Read(Span<byte> into, long offset) => file.Read(into, offset);

    public void Dispose() => file.Dispose();
}
