using EventStore.Leases;

namespace EventStore.Deliveries;

/// <summary>Checkpoints from a first to a last one, both included.</summary>
internal readonly record struct CheckpointRange(long First, long Last)
{
    /// <summary>The range of one checkpoint.</summary>
    public static CheckpointRange Of(long checkpoint) => new(checkpoint, checkpoint);
}

/// <summary>Operations on a list of ranges that is sorted, and whose ranges neither touch nor overlap.</summary>
internal static class CheckpointRanges
{
    public static bool Covers(this IReadOnlyList<CheckpointRange> ranges, long checkpoint)
    {
        var at = ranges.FindFrom(checkpoint);
        return at < ranges.Count && ranges[at].First <= checkpoint;
    }

    /// <summary>Whether a list that was read is one: of ranges that begin at 1 at the earliest, and end where a store can.</summary>
    public static bool AreSound(this IReadOnlyList<CheckpointRange> ranges)
    {
        var last = -1L;
        foreach (var range in ranges)
        {
            if (range.First < 1 || range.First <= last + 1 || range.Last < range.First) return false;
            if (range.Last > LedgerContent.MaxNumber) return false;
            last = range.Last;
        }

        return true;
    }

    /// <summary>Whether a list of single checkpoints that was read ascends.</summary>
    public static bool AreSound(this IReadOnlyList<long> checkpoints)
    {
        var last = 0L;
        foreach (var checkpoint in checkpoints)
        {
            if (checkpoint <= last || checkpoint > LedgerContent.MaxNumber) return false;
            last = checkpoint;
        }

        return true;
    }

    /// <summary>How many checkpoints there are in all ranges.</summary>
    public static long CountCheckpoints(this IReadOnlyList<CheckpointRange> ranges) => ranges.Sum(range => range.Last - range.First + 1);

    /// <summary>The list with more ranges.</summary>
    public static IReadOnlyList<CheckpointRange> With(this IReadOnlyList<CheckpointRange> ranges, IEnumerable<CheckpointRange> more)
    {
        List<CheckpointRange> changed = [.. ranges];
        foreach (var (first, last) in more) changed.Include(first, last);
        return changed;
    }

    /// <summary>The list without some ranges.</summary>
    public static IReadOnlyList<CheckpointRange> Without(this IReadOnlyList<CheckpointRange> ranges, IEnumerable<CheckpointRange> removed)
    {
        List<CheckpointRange> changed = [.. ranges];
        foreach (var (first, last) in removed) changed.Exclude(first, last);
        return changed;
    }

    /// <summary>Adds a range, and joins it with its neighbors.</summary>
    public static void Include(this List<CheckpointRange> ranges, long first, long last)
    {
        var at = ranges.FindFrom(first - 1);
        var end = at;
        for (; end < ranges.Count && ranges[end].First <= last + 1; end++)
            (first, last) = (Math.Min(first, ranges[end].First), Math.Max(last, ranges[end].Last));
        ranges.RemoveRange(at, end - at);
        ranges.Insert(at, new(first, last));
    }

    /// <summary>Removes a range, and splits the ranges that it cuts.</summary>
    public static void Exclude(this List<CheckpointRange> ranges, long first, long last)
    {
        var at = ranges.FindFrom(first);
        var end = at;
        while (end < ranges.Count && ranges[end].First <= last) end++;
        if (end == at) return;
        var (before, after) = (ranges[at].First, ranges[end - 1].Last);
        ranges.RemoveRange(at, end - at);
        if (after > last) ranges.Insert(at, new(last + 1, after));
        if (before < first) ranges.Insert(at, new(before, first - 1));
    }

    // The index of the first range that ends at a checkpoint or after it.
    private static int FindFrom(this IReadOnlyList<CheckpointRange> ranges, long checkpoint)
    {
        var (low, high) = (0, ranges.Count);
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            if (ranges[middle].Last < checkpoint) low = middle + 1;
            else high = middle;
        }

        return low;
    }
}
