namespace EventStore.InMemory;

/// <summary>A stream in memory: its events, commits and snapshots.</summary>
internal sealed class StoredStream(StreamId name, Checkpoint incarnation)
{
    // The events that are not truncated; the first has the first revision.
    private readonly List<RecordedEvent> events = [];

    public StreamId Name => name;

    public Revision Revision { get; private set; }

    public Revision FirstRevision => new(Revision.Value - events.Count + 1);

    public bool IsSealed { get; private set; }

    public Dictionary<Guid, CommitRecord> Commits { get; } = [];

    public SortedList<(long Revision, int SchemaVersion), SnapshotRecord> Snapshots { get; } = [];

    public StreamState State => new(incarnation, Revision, FirstRevision, IsSealed);

    public StreamHead Head =>
        new(name, Revision, new CommitSequence(Commits.Count), Snapshots.Count == 0 ? Revision.None : Snapshots.Values[^1].Revision)
        {
            FirstRevision = FirstRevision,
            IsSealed = IsSealed,
            Incarnation = incarnation,
        };

    public RecordedEvent EventAt(long revision) => events[(int)(revision - FirstRevision.Value)];

    public void Add(RecordedEvent recorded)
    {
        events.Add(recorded);
        Revision = recorded.Revision;
    }

    public void Seal() => IsSealed = true;

    /// <summary>Removes the events below a revision, and the snapshots that can no longer be used.</summary>
    public void Truncate(Revision before)
    {
        events.RemoveRange(0, (int)(before.Value - FirstRevision.Value));
        while (Snapshots.Count > 0 && Snapshots.Keys[0].Revision < before.Value - 1) Snapshots.RemoveAt(0);
    }
}
