using EventStore.Engines;

namespace OwnBackend;

/// <summary>One stream in memory: its commits, its snapshots, and the events that are not truncated.</summary>
internal sealed class JournalStream(StreamId name, Checkpoint incarnation)
{
    private readonly List<RecordedEvent> events = [];
    private Revision revision;
    private bool isSealed;

    public IReadOnlyList<RecordedEvent> Events => events;

    /// <summary>All commits, also those whose events were truncated: their ids stay known (G55).</summary>
    public Dictionary<Guid, CommitRecord> Commits { get; } = [];

    public SortedList<(long Revision, int SchemaVersion), SnapshotRecord> Snapshots { get; } = [];

    public StreamState State => new(incarnation, revision, new Revision(revision.Value - events.Count + 1), isSealed);

    public StreamHead Head =>
        new(name, revision, new CommitSequence(Commits.Count), Snapshots.Count == 0 ? Revision.None : Snapshots.Values[^1].Revision)
        {
            FirstRevision = State.FirstRevision,
            IsSealed = isSealed,
            Incarnation = incarnation,
        };

    public StreamPage Read(StreamRead read)
    {
        var page = new PageBuilder(read.Limit);
        var first = State.FirstRevision.Value;
        long low = Math.Max(read.From.Value, first), high = Math.Min(read.To.Value, revision.Value);
        long count = Math.Max(0, high - low + 1), next = 0;
        for (; next < count && !page.IsFull; next++)
            page.TryAdd(events[(int)((read.Direction == ReadDirection.Forward ? low + next : high - next) - first)]);
        return new StreamPage(page.Events, State, IsEnd: next == count);
    }

    public void Add(RecordedEvent recorded)
    {
        events.Add(recorded);
        revision = recorded.Revision;
    }

    public void Save(SnapshotRecord snapshot) =>
        Snapshots[(snapshot.Revision.Value, snapshot.SchemaVersion)] = snapshot with { Incarnation = incarnation };

    public void Seal() => isSealed = true;

    /// <summary>Removes and returns the events below a revision. Snapshots below the revision before it go, too.</summary>
    public IReadOnlyList<RecordedEvent> Truncate(long before)
    {
        var removed = events.GetRange(0, (int)(before - State.FirstRevision.Value));
        events.RemoveRange(0, removed.Count);
        while (Snapshots.Count > 0 && Snapshots.Keys[0].Revision < before - 1) Snapshots.RemoveAt(0);
        return removed;
    }
}
