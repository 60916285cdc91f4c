using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;

namespace EventStore.FileSystem.Segments;

/// <summary>The file in which the writer publishes to other processes how far the log may be read.</summary>
internal static class LiveFile
{
    public const string FileName = "live.esfs";

    /// <summary>Reads the newer of the two marks; null if neither is whole and of this store.</summary>
    public static LiveMark? ReadMarks(IDiskFile file, ulong seed)
    {
        Span<byte> marks = stackalloc byte[2 * LiveFormat.MarkLength];
        return file.Read(marks, LiveFormat.FirstMark) == marks.Length ? LiveFormat.ReadMarks(marks, seed) : null;
    }
}
