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

    /// <summary>Whether its file ends where the next one begins, and everything in it can be read, also what no frame is in.</summary>
    public bool IsReadable(Guid storeId, CancellationToken cancellationToken)
    {
        if (File is null || File.Length != End - Base) return false;
        if (File.Packing is null) return true;
        try
        {
            var bytes = new byte[64 << 10];
            for (var at = 0L; at < File.Length; at += bytes.Length)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var read = File.Read(bytes, at);
                if (at > 0) continue;
                var head = Format.ReadSegmentHeader(bytes.AsSpan(0, read), out _);
                if (head != Header || head.StoreId != storeId) return false;
            }

            return true;
        }
        catch (Exception error) when (error is IOException or CorruptStorageException)
        {
            return false;
        }
    }
}

/// <summary>Finds the segments of a damaged store, and the places of those whose heads are damaged or whose files are missing.</summary>
internal static class DamagedSegments
{
    // A head, and a gap or a seal.
    private const int LeastLength = Format.SegmentHeaderLength + GapCodec.MinSpan;

    // How many segments may be missing besides as many as are there.
    private const int MostMissing = 1_000;

    public static IReadOnlyList<DamagedSegment> Find(IDisk disk, Guid storeId)
    {
        var cache = new PackedBlockCache(Format.SeedOf(storeId));
        var segments = new List<DamagedSegment>();
        var there = 0;
        foreach (var number in Numbers(disk).Distinct().Order())
        {
            // A number far from the others is not one that the store gave.
            if (number - ++there > there + MostMissing) break;
            while (segments.Count < number) segments.Add(Open(disk, storeId, segments.Count + 1, cache));
        }

        for (int i = 0, known = 0; i < segments.Count; i++)
        {
            if (!IsPossiblePlace(segments, known, i))
                segments[i] = segments[i] with { Header = null, Problem = "its header has an impossible place." };
            if (segments[i].Header is not null) known = i;
        }

        SetBases(segments);
        return
        [
            .. segments.Select(
                (segment, i) => segment with { End = i + 1 < segments.Count ? segments[i + 1].Base : segment.Base + LengthOf(segment) }),
        ];
    }

    /// <summary>The files in the folder of the log that are far from all others, and no part of it.</summary>
    public static IReadOnlyList<string> FindStrange(IDisk disk, int segments) =>
        [.. Numbers(disk).Where(number => number > segments).Select(LogSegments.PathOf)];

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

    // Whether a segment begins where it can: behind those before it, and not farther away than those that are missing can have been long.
    private static bool IsPossiblePlace(List<DamagedSegment> segments, int known, int i)
    {
        if (segments[i].Header is not { } header) return true;
        if (i == 0 || header.Base % 8 != 0) return header.Base == 0;
        var distance = header.Base - (segments[known].Header?.Base ?? 0);
        return distance >= (i - known) * LeastLength && distance <= (i - known) * Format.MaxSegmentLength;
    }

    private static void SetBases(List<DamagedSegment> segments)
    {
        for (int i = 0, next = 0; i < segments.Count; i++)
        {
            if (next >= 0 && next <= i) next = segments.FindIndex(i, segment => segment.Header is not null);
            segments[i] = segments[i] with { Base = BaseOf(segments, i, next) };
        }
    }

    // The next segment whose place is known is negative where there is none.
    private static long BaseOf(List<DamagedSegment> segments, int i, int next)
    {
        if (segments[i].Header is { } header) return header.Base;
        if (i == 0) return 0;
        var before = segments[i - 1].Base + LengthOf(segments[i - 1]);
        if (next < 0) return before;

        // The place follows from its own length and the place of the next segment; without a file, from the end of the one before it.
        var ahead = segments[next].Header!.Value.Base;
        if (next == i + 1 && segments[i].File is not null && ahead - LengthOf(segments[i]) >= segments[i - 1].Base + LeastLength)
            return ahead - LengthOf(segments[i]);
        return Math.Clamp(
            before, segments[i - 1].Base + LeastLength, Math.Max(segments[i - 1].Base + LeastLength, ahead - ((next - i) * LeastLength)));
    }

    private static long LengthOf(DamagedSegment segment) => (Math.Max(segment.File?.Length ?? 0, LeastLength) + 7) & ~7L;
}
