namespace EventStore;

/// <summary>The result of a commit, stored by this call or by an earlier one with the same id.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="CommitId">The commit's id.</param>
/// <param name="Sequence">The commit's number in its stream.</param>
/// <param name="Stamp">When it was stored, in UTC.</param>
/// <param name="FirstRevision">The revision of its first event.</param>
/// <param name="LastRevision">The revision of its last event, which the next commit expects.</param>
/// <param name="LastCheckpoint">The checkpoint of its last event.</param>
/// <param name="IsDuplicate">Whether it was stored before this call. Nothing was stored again.</param>
public sealed record CommitResult(
    StreamId Stream,
    Guid CommitId,
    CommitSequence Sequence,
    DateTimeOffset Stamp,
    Revision FirstRevision,
    Revision LastRevision,
    Checkpoint LastCheckpoint,
    bool IsDuplicate)
{
    /// <summary>How many events the commit has.</summary>
    public int EventCount => (int)(LastRevision.Value - FirstRevision.Value) + 1;
}

/// <summary>A stored commit with its events, as passed to a dispatcher.</summary>
public sealed class Commit
{
    /// <summary>Creates a commit from its events as they were read.</summary>
    /// <param name="events">All events of the commit that the read hooks do not hide, in order; at least one.</param>
    public Commit(IReadOnlyList<CommittedEvent> events)
    {
        ArgumentNullException.ThrowIfNull(events);
        ArgumentOutOfRangeException.ThrowIfZero(events.Count);
        Events = events;
    }

    /// <summary>The events, in order.</summary>
    public IReadOnlyList<CommittedEvent> Events { get; }

    /// <summary>The stream.</summary>
    public StreamId Stream => Events[0].Stream;

    /// <summary>The commit's id.</summary>
    public Guid CommitId => Events[0].CommitId;

    /// <summary>The commit's number in its stream.</summary>
    public CommitSequence Sequence => Events[0].CommitSequence;

    /// <summary>When it was stored, in UTC.</summary>
    public DateTimeOffset Stamp => Events[0].Stamp;

    /// <summary>The revision of the last of these events.</summary>
    public Revision LastRevision => Events[^1].Revision;

    /// <summary>The checkpoint of the last of these events. An idempotent receiver stores it.</summary>
    public Checkpoint LastCheckpoint => Events[^1].Checkpoint;

    /// <summary>The commit's headers; never null.</summary>
    public IReadOnlyDictionary<string, string> Headers => Events[0].CommitHeaders;
}
