using EventStore.Engines;

namespace OwnBackend;

/// <summary>
/// The events of all streams in checkpoint order, and where the events of each category and tag are. Not safe for threads.
/// </summary>
internal sealed class JournalLog
{
    private const int MaxExaminedPerPage = 16_384;

    // Side by side: an event's checkpoint and the event, null where it was removed. Nothing is taken out, so places stay.
    private readonly List<long> checkpoints = [];
    private readonly List<RecordedEvent?> events = [];

    // The places of each category and of each tag of a bucket, ascending.
    private readonly Dictionary<(string Bucket, string? Category, string? Tag), List<int>> terms = [];

    /// <summary>The newest checkpoint, removed and skipped ones included, so that none comes back (G13).</summary>
    public Checkpoint Head { get; private set; }

    public Checkpoint HighestRemoved { get; private set; }

    public void Add(RecordedEvent recorded)
    {
        var stream = recorded.Commit.Stream;
        AddTo((stream.Bucket, stream.Category, null));
        foreach (var tag in recorded.Record.Tags) AddTo((stream.Bucket, null, tag));
        checkpoints.Add(recorded.Checkpoint.Value);
        events.Add(recorded);
        Head = recorded.Checkpoint;
    }

    public void Remove(IEnumerable<RecordedEvent> removed)
    {
        foreach (var recorded in removed)
        {
            events[PlaceAfter(recorded.Checkpoint) - 1] = null;
            if (recorded.Checkpoint > HighestRemoved) HighestRemoved = recorded.Checkpoint;
        }
    }

    public void SkipTo(Checkpoint upTo) => Head = upTo;

    // sample: read-all
    public StorePage Read(StoreRead read)
    {
        var page = new PageBuilder(read.Limit);
        var position = read.Direction == ReadDirection.Forward ? read.After : read.UpTo;
        var examined = 0;
        foreach (var place in Candidates(read.Filter.Criteria, read.After, read.UpTo, read.Direction))
        {
            if (page.IsFull || examined++ == MaxExaminedPerPage) return new StorePage(page.Events, position, Head, IsEnd: false);
            position = new Checkpoint(checkpoints[place]);
            if (events[place] is { } recorded && read.Filter.Matches(recorded)) page.TryAdd(recorded);
        }

        return new StorePage(page.Events, position, Head, IsEnd: true);
    }
    // sample: end

    public Checkpoint FindFirstMatch(AppendCondition condition)
    {
        foreach (var place in Candidates(condition.Criteria, condition.After, Checkpoint.Max, ReadDirection.Forward))
        {
            if (events[place] is { } recorded && condition.Criteria.Matches(recorded)) return recorded.Checkpoint;
        }

        return Checkpoint.Origin;
    }

    private void AddTo((string Bucket, string? Category, string? Tag) term)
    {
        if (!terms.TryGetValue(term, out var places)) terms.Add(term, places = []);
        places.Add(events.Count);
    }

    // All places of a range, unless every criterion names a category or a tag: then those of the rarest one that each of them names.
    private IEnumerable<int> Candidates(EventCriteria? criteria, Checkpoint after, Checkpoint upTo, ReadDirection direction)
    {
        int first = PlaceAfter(after), end = PlaceAfter(upTo);
        if (criteria is null || !criteria.Any.All(criterion => criterion.IsIndexed)) return Range(first, end, direction);
        return Merge(
            criteria.Any.Select(RarestTerm).Distinct()
                .Select(places => Range(Find(places, first), Find(places, end), direction).Select(index => places[index])),
            direction);
    }

    private List<int> RarestTerm(EventCriterion criterion)
    {
        var named = criterion.Tags.Select(tag => (criterion.Bucket, (string?)null, (string?)tag));
        if (criterion.Category is { } category) named = named.Append((criterion.Bucket, category, null));
        return named.Select(term => terms.GetValueOrDefault(term, [])).MinBy(places => places.Count)!;
    }

    // Several sequences in order as one, each place once.
    private static IEnumerable<int> Merge(IEnumerable<IEnumerable<int>> sequences, ReadDirection direction)
    {
        var sources = sequences.Select(sequence => sequence.GetEnumerator()).Where(source => source.MoveNext()).ToList();
        while (sources.Count > 0)
        {
            var places = sources.Select(source => source.Current);
            var next = direction == ReadDirection.Forward ? places.Min() : places.Max();
            yield return next;
            sources.RemoveAll(source => source.Current == next && !source.MoveNext());
        }
    }

    private static IEnumerable<int> Range(int first, int end, ReadDirection direction)
    {
        for (var i = 0; i < end - first; i++) yield return direction == ReadDirection.Forward ? first + i : end - 1 - i;
    }

    private int PlaceAfter(Checkpoint checkpoint)
    {
        var place = checkpoints.BinarySearch(checkpoint.Value);
        return place < 0 ? ~place : place + 1;
    }

    // The index of the first of these places that is not before a place.
    private static int Find(List<int> places, int place)
    {
        var index = places.BinarySearch(place);
        return index < 0 ? ~index : index;
    }
}
