using System.Globalization;
using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Maintenance;

/// <summary>A segment of a damaged store: its place in the log, as far as it is known, and its file, if it can be read.</summary>
/// <param name="Number">Its number.</param>
/// <param name="File">Its file; null if it is missing or unreadable.</param>
/// <param name="Header">Its head; null if that is damaged.</param>
/// <param name="Problem">What is wrong with its head or file; null if it is whole.</param>
internal sealed record DamagedSegment(long Number, ISegmentFile? File, SegmentHeader? Header, string? Problem)
{
    /// <summary>The address of its first byte.</summary>
    public long Base { get; init; }

    /// <summary>The address of its end: where the next one begins; of the last one, where its file ends.</summary>
    public long End { get; init; }
}

/// <summary>Finds the segments of a damaged store, and the places of those whose heads are damaged or whose files are missing.</summary>
internal static class DamagedSegments
{
    // The least length for a segment without a known place: a head and a gap.
    private const int LeastLength = 2 * Format.SegmentHeaderLength;

    public static IReadOnlyList<DamagedSegment> Find(IDisk disk, Guid storeId)
    {
        var cache = new PackedBlockCache(Format.SeedOf(storeId));
        var last = Numbers(disk).DefaultIfEmpty(0).Max();
        var segments = new List<DamagedSegment>();
        for (var number = 1L; number <= last; number++) segments.Add(Open(disk, storeId, number, cache));
        for (var i = 0; i < segments.Count; i++) segments[i] = segments[i] with { Base = BaseOf(segments, i) };
        return
        [
            .. segments.Select(
                (segment, i) => segment with { End = i + 1 < segments.Count ? segments[i + 1].Base : segment.Base + LengthOf(segment) }),
        ];
    }

    /// <summary>
    /// The store's id as the heads of its segments have it, for a store whose own file is damaged; null if no head is whole.
    /// </summary>
    public static Guid? FindStoreId(IDisk disk) => Numbers(disk)
        .Select(number => Open(disk, default, number, new PackedBlockCache(Format.SeedOf(default), slots: 1)))
        .Select(segment =>
        {
            segment.File?.Dispose();
            return segment.Header?.StoreId;
        })
        .FirstOrDefault(id => id is not null);

    private static IEnumerable<long> Numbers(IDisk disk) => disk.List(LogSegments.Folder)
        .Where(name => name.EndsWith(".seg", StringComparison.Ordinal))
        .Select(
            name =>
                long.TryParse(name.AsSpan(0, name.Length - 4), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                    ? number
                    : 0)
        .Where(number => number > 0);

    private static DamagedSegment Open(IDisk disk, Guid storeId, long number, PackedBlockCache cache)
    {
        var path = LogSegments.PathOf(number);
        if (!disk.Exists(path)) return new DamagedSegment(number, null, null, "the file is missing.");
        try
        {
            var file = SegmentFile.Open(disk, path, cache);
            var header = SegmentFile.ReadHeader(file, $"{disk.Root}/{path}", out var problem);
            if (problem is null && storeId != default && (header.StoreId != storeId || header.Number != number))
                problem = "the segment belongs to another store or another place in this one.";
            return new DamagedSegment(number, file, problem is null ? header : null, problem);
        }
        catch (Exception error) when (error is IOException or CorruptStorageException)
        {
            return new DamagedSegment(number, null, null, error.Message);
        }
    }

    private static long BaseOf(List<DamagedSegment> segments, int i)
    {
        if (segments[i].Header is { } header) return header.Base;
        if (i == 0) return 0;
        var next = segments.FindIndex(i, segment => segment.Header is not null);
        var before = segments[i - 1].Base + LengthOf(segments[i - 1]);
        if (next < 0) return before;

        // The place follows from its own length and the place of the next segment; without a file, from the end of the one before it.
        var ahead = segments[next].Header!.Value.Base;
        if (next == i + 1 && segments[i].File is { } file && ahead - file.Length >= segments[i - 1].Base + LeastLength)
            return ahead - file.Length;
        return Math.Clamp(
            before, segments[i - 1].Base + LeastLength, Math.Max(segments[i - 1].Base + LeastLength, ahead - ((next - i) * LeastLength)));
    }

    private static long LengthOf(DamagedSegment segment) => Math.Max(segment.File?.Length ?? 0, LeastLength);
}
