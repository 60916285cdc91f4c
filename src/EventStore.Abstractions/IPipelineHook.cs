namespace EventStore;

/// <summary>
/// Application code that runs around commits and reads. Hooks run in the order of the wireup, on every path.
/// All members may be called from many threads at once.
/// </summary>
public interface IPipelineHook
{
    /// <summary>Runs before a commit is stored. May refuse it with a reason, or add commit headers.</summary>
    ValueTask<CommitDecision> BeforeCommitAsync(PendingCommit commit, CancellationToken cancellationToken) => new(CommitDecision.Proceed);

    /// <summary>Runs after a commit is stored, not for duplicates. An exception is logged and does not fail the commit.</summary>
    ValueTask AfterCommitAsync(PendingCommit commit, CommitResult result, CancellationToken cancellationToken) => default;

    /// <summary>Runs for every event that is read. Returns the event, another view of it, or null to hide it.</summary>
    CommittedEvent? Select(CommittedEvent committed) => committed;

    /// <summary>Runs after a stream was deleted. An exception is logged.</summary>
    ValueTask AfterDeleteAsync(StreamId stream, CancellationToken cancellationToken) => default;

    /// <summary>Runs after a bucket, or for null the store, was purged. An exception is logged.</summary>
    ValueTask AfterPurgeAsync(string? bucket, CancellationToken cancellationToken) => default;
}

/// <summary>A commit that is about to be stored.</summary>
public sealed class PendingCommit(
    StreamId stream, Guid commitId, ExpectedRevision expected, IReadOnlyList<EventMessage> events, IDictionary<string, string> headers)
{
    /// <summary>The stream.</summary>
    public StreamId Stream { get; } = stream;

    /// <summary>The commit's id.</summary>
    public Guid CommitId { get; } = commitId;

    /// <summary>The expected revision of the stream.</summary>
    public ExpectedRevision Expected { get; } = expected;

    /// <summary>The events. They are serialized already, so that changing a body has no effect.</summary>
    public IReadOnlyList<EventMessage> Events { get; } = events;

    /// <summary>The commit's headers, to which a hook may add.</summary>
    public IDictionary<string, string> Headers { get; } = headers;
}

/// <summary>The decision of a before-commit hook.</summary>
public readonly record struct CommitDecision
{
    private CommitDecision(string reason) => Reason = reason;

    /// <summary>The commit may be stored.</summary>
    public static CommitDecision Proceed => default;

    /// <summary>Why the commit is refused; null if it may be stored.</summary>
    public string? Reason { get; }

    /// <summary>Refuses the commit. The reason is part of the exception that the caller gets.</summary>
    public static CommitDecision Refuse(string reason)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(reason);
        return new(reason);
    }
}
