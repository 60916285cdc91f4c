namespace EventStore.InMemory;

/// <summary>A stream in memory: its events, commits and snapshots.</summary>
internal sealed class StoredStream(StreamId name)
{
    public StreamId Name => name;

    public List<RecordedEvent> Events { get; } = [];

    public Dictionary<Guid, CommitRecord> Commits { get; } = [];

    public SortedList<(long Revision, int SchemaVersion), SnapshotRecord> Snapshots { get; } = [];

    public StreamHead Head =>
        new(
            name,
            new Revision(Events.Count),
            new CommitSequence(Commits.Count),
            Snapshots.Count == 0 ? Revision.None : Snapshots.Values[^1].Revision);
}

/// <summary>An entry of the log, which refers to an event of a stream. All entries of a deleted stream are removed.</summary>
internal readonly record struct LogEntry(StoredStream Stream, int Index)
{
    public RecordedEvent Event => Stream.Events[Index];
}
