namespace EventStore.Deliveries;

/// <summary>Checkpoints from a first to a last one, both included.</summary>
internal readonly record struct CheckpointRange(long First, long Last);

/// <summary>Operations on a list of ranges that is sorted, and whose ranges neither touch nor overlap.</summary>
internal static class CheckpointRanges
{
    public static bool Covers(this List<CheckpointRange> ranges, long checkpoint) =>
        ranges.Exists(range => range.First <= checkpoint && checkpoint <= range.Last);

    /// <summary>How many checkpoints there are in all ranges.</summary>
    public static long CountCheckpoints(this List<CheckpointRange> ranges) => ranges.Sum(range => range.Last - range.First + 1);

    /// <summary>Adds a range, and joins it with its neighbors.</summary>
    public static void Include(this List<CheckpointRange> ranges, long first, long last)
    {
        var at = ranges.FindIndex(range => range.Last >= first - 1);
        if (at < 0) at = ranges.Count;
        while (at < ranges.Count && ranges[at].First <= last + 1)
        {
            (first, last) = (Math.Min(first, ranges[at].First), Math.Max(last, ranges[at].Last));
            ranges.RemoveAt(at);
        }

        ranges.Insert(at, new(first, last));
    }

    /// <summary>Removes a range, and splits the ranges that it cuts.</summary>
    public static void Exclude(this List<CheckpointRange> ranges, long first, long last)
    {
        for (var i = ranges.Count - 1; i >= 0; i--)
        {
            var range = ranges[i];
            if (range.Last < first || range.First > last) continue;
            ranges.RemoveAt(i);
            if (range.Last > last) ranges.Insert(i, new(last + 1, range.Last));
            if (range.First < first) ranges.Insert(i, new(range.First, first - 1));
        }
    }
}
