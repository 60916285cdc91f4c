using EventStore.FileSystem.Bytes;

namespace EventStore.FileSystem.Index;

/// <summary>Finds commits by category and tag: the terms of criteria, and their commits in all parts of the index.</summary>
internal static class TermSearch
{
    /// <summary>The terms of each criterion, all of which have to be met; null where one names no term.</summary>
    public static IReadOnlyList<byte[][]>? TermsOf(EventCriteria criteria)
    {
        var found = new List<byte[][]>(criteria.Any.Count);
        foreach (var criterion in criteria.Any)
        {
            if (!criterion.IsIndexed) return null;
            var tags = criterion.Tags.Select(tag => IndexKeys.OfTag(criterion.Bucket, tag));
            byte[][] terms = [.. criterion.Category is { } category ? tags.Append(IndexKeys.OfCategory(criterion.Bucket, category)) : tags];
            if (!found.Exists(known => AreEqual(known, terms))) found.Add(terms);
        }

        return found;
    }

    /// <summary>The same for a filter; null where it names no term.</summary>
    public static IReadOnlyList<byte[][]>? TermsOf(EventFilter filter)
    {
        if (filter.Criteria is { } criteria && TermsOf(criteria) is { } terms) return terms;
        return filter is { Bucket: { } bucket, Category: { } category } ? [[IndexKeys.OfCategory(bucket, category)]] : null;
    }

    /// <summary>The newest checkpoint that an event of a bucket ever had; 0 for none.</summary>
    public static long NewestIn(IndexState state, string bucket)
    {
        var beginning = IndexKeys.OfCategory(bucket, "")[..^1];
        var newest = Math.Max(state.Active.NewestIn(beginning), state.Frozen?.NewestIn(beginning) ?? 0);
        foreach (var run in state.Runs)
        {
            // From category to category: the last commit of each is before the first of the next one.
            var cursor = run.OpenCursor();
            for (var isThere = cursor.Seek(beginning); isThere && cursor.Key.StartsWith(beginning);)
            {
                byte[] behind = [.. IndexKeys.TermIn(cursor.Key), 0xFF];
                if (cursor.SeekFloor(behind)) newest = Math.Max(newest, IndexKeys.CheckpointIn(cursor.Key));
                isThere = cursor.Seek(behind);
            }
        }

        return newest;
    }

    private static bool AreEqual(byte[][] one, byte[][] other) =>
        one.Length == other.Length && one.Zip(other).All(pair => pair.First.AsSpan().SequenceEqual(pair.Second));
}
