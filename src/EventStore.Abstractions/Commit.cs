namespace EventStore;

/// <summary>What an application learns of a commit that is stored, by this call or by an earlier one with the same id.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="CommitId">The commit's id.</param>
/// <param name="Sequence">The commit's number in its stream.</param>
/// <param name="Stamp">When the store took it, UTC.</param>
/// <param name="FirstRevision">The revision of its first event.</param>
/// <param name="LastRevision">The revision of its last event: what the next commit expects.</param>
/// <param name="LastCheckpoint">The checkpoint of its last event.</param>
/// <param name="IsDuplicate">Whether it was already there before this call, in which case nothing was stored again.</param>
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

/// <summary>A stored commit with its events, as a dispatcher gets it.</summary>
public sealed class Commit
{
    /// <summary>Puts a commit together from its events as they were read.</summary>
    /// <param name="events">All events of the commit that the read hooks left, in order; at least one.</param>
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

    /// <summary>When the store took it, UTC.</summary>
    public DateTimeOffset Stamp => Events[0].Stamp;

    /// <summary>The revision of the last event here.</summary>
    public Revision LastRevision => Events[^1].Revision;

    /// <summary>The checkpoint of the last event here: what an idempotent receiver remembers.</summary>
    public Checkpoint LastCheckpoint => Events[^1].Checkpoint;

    /// <summary>The commit's headers; never null.</summary>
    public IReadOnlyDictionary<string, string> Headers => Events[0].CommitHeaders;
}
