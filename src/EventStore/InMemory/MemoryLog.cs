namespace EventStore.InMemory;

/// <summary>The events of all streams in checkpoint order, with an index by category and by tag. The engine's gate guards it.</summary>
internal sealed class MemoryLog
{
    private readonly List<RecordedEvent> entries = [];

    // The checkpoints of each term, ascending. A term is a category or a tag, in a bucket.
    private readonly Dictionary<(string Bucket, string? Category, string? Tag), List<long>> terms = [];

    /// <summary>The newest checkpoint, removed and skipped ones included.</summary>
    public Checkpoint Head { get; private set; }

    /// <summary>The highest checkpoint that was ever removed.</summary>
    public Checkpoint HighestRemoved { get; private set; }

    public int Count => entries.Count;

    public void Add(RecordedEvent recorded)
    {
        entries.Add(recorded);
        Head = recorded.Checkpoint;
        foreach (var term in TermsOf(recorded))
        {
            if (!terms.TryGetValue(term, out var places)) terms.Add(term, places = []);
            places.Add(recorded.Checkpoint.Value);
        }
    }

    public void SkipTo(Checkpoint upTo)
    {
        if (upTo > Head) Head = upTo;
    }

    public void Remove(Predicate<RecordedEvent> isRemoved)
    {
        foreach (var removed in entries.Where(recorded => isRemoved(recorded)))
        {
            if (removed.Checkpoint > HighestRemoved) HighestRemoved = removed.Checkpoint;
            foreach (var term in TermsOf(removed)) terms[term].Remove(removed.Checkpoint.Value);
        }

        entries.RemoveAll(isRemoved);
    }

    /// <summary>
    /// The events of a range that may match a filter, in order. Criteria that name a term cost the entries of the rarest one.
    /// </summary>
    public IEnumerable<RecordedEvent> Candidates(EventFilter filter, Checkpoint after, Checkpoint upTo, ReadDirection direction)
    {
        if (filter.Criteria is not { } criteria || !criteria.Any.All(criterion => criterion.IsIndexed))
            return Range(entries, IndexAfter(after), IndexAfter(upTo) - 1, direction);
        return Merge(criteria, after, upTo, direction).Select(checkpoint => entries[IndexAfter(new Checkpoint(checkpoint)) - 1]);
    }

    /// <summary>The first event after a condition's checkpoint that matches it; the origin for none.</summary>
    public Checkpoint FindFirstMatch(AppendCondition condition)
    {
        var filter = new EventFilter { Criteria = condition.Criteria };
        return Candidates(filter, condition.After, Checkpoint.Max, ReadDirection.Forward)
            .FirstOrDefault(recorded => condition.Criteria.Matches(recorded)) is { Commit: not null } found
            ? found.Checkpoint
            : Checkpoint.Origin;
    }

    private static IEnumerable<(string Bucket, string? Category, string? Tag)> TermsOf(RecordedEvent recorded)
    {
        var stream = recorded.Commit.Stream;
        yield return (stream.Bucket, stream.Category, null);
        foreach (var tag in recorded.Record.Tags) yield return (stream.Bucket, null, tag);
    }

    private static IEnumerable<T> Range<T>(List<T> items, int first, int last, ReadDirection direction)
    {
        for (var i = 0; i <= last - first; i++) yield return items[direction == ReadDirection.Forward ? first + i : last - i];
    }

    // The checkpoints of all criteria, each once, in order.
    private IEnumerable<long> Merge(EventCriteria criteria, Checkpoint after, Checkpoint upTo, ReadDirection direction)
    {
        var sources = criteria.Any.Select(RarestTerm).Distinct()
            .Select(places => Range(places, Find(places, after.Value), Find(places, upTo.Value) - 1, direction).GetEnumerator())
            .Where(source => source.MoveNext()).ToList();
        while (sources.Count > 0)
        {
            var next = direction == ReadDirection.Forward ? sources.Min(source => source.Current) : sources.Max(source => source.Current);
            yield return next;
            sources.RemoveAll(source => source.Current == next && !source.MoveNext());
        }
    }

    private List<long> RarestTerm(EventCriterion criterion)
    {
        var named = criterion.Tags.Select(tag => (criterion.Bucket, (string?)null, (string?)tag));
        if (criterion.Category is { } category) named = named.Append((criterion.Bucket, category, null));
        return named.Select(term => terms.GetValueOrDefault(term) ?? []).MinBy(places => places.Count)!;
    }

    private int IndexAfter(Checkpoint checkpoint)
    {
        int low = 0, high = entries.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (entries[middle].Checkpoint <= checkpoint) low = middle + 1;
            else high = middle;
        }

        return low;
    }

    // The index of the first place after a checkpoint.
    private static int Find(List<long> places, long checkpoint)
    {
        var index = places.BinarySearch(checkpoint);
        return index < 0 ? ~index : index + 1;
    }
}
