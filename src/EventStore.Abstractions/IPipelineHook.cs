namespace EventStore;

/// <summary>
/// Application code around commit and read. Hooks run in the order they were wired, on every path alike; there is no door around them.
/// All members may be called from many threads at once.
/// </summary>
public interface IPipelineHook
{
    /// <summary>Before a commit is stored: may refuse it with a reason, or add commit headers.</summary>
    ValueTask<CommitDecision> BeforeCommitAsync(PendingCommit commit, CancellationToken cancellationToken) => new(CommitDecision.Proceed);

    /// <summary>After a commit is stored, not for duplicates. What is thrown here is logged and does not make the commit fail.</summary>
    ValueTask AfterCommitAsync(PendingCommit commit, CommitResult result, CancellationToken cancellationToken) => default;

    /// <summary>Whenever an event is read, on whichever path: the event, another view of it, or null to hide it.</summary>
    CommittedEvent? Select(CommittedEvent committed) => committed;

    /// <summary>After a stream was deleted. What is thrown here is logged.</summary>
    ValueTask AfterDeleteAsync(StreamId stream, CancellationToken cancellationToken) => default;

    /// <summary>After a bucket, or with null the store, was purged. What is thrown here is logged.</summary>
    ValueTask AfterPurgeAsync(string? bucket, CancellationToken cancellationToken) => default;
}

/// <summary>A commit that is about to be stored.</summary>
public sealed class PendingCommit(StreamId stream, Guid commitId, ExpectedRevision expected, IReadOnlyList<EventMessage> events, IDictionary<string, string> headers)
{
    /// <summary>The stream.</summary>
    public StreamId Stream { get; } = stream;

    /// <summary>The commit's id.</summary>
    public Guid CommitId { get; } = commitId;

    /// <summary>What is expected of the stream.</summary>
    public ExpectedRevision Expected { get; } = expected;

    /// <summary>The events. They are serialized already: changing a body changes nothing that is stored.</summary>
    public IReadOnlyList<EventMessage> Events { get; } = events;

    /// <summary>The commit's headers, to which a hook may add.</summary>
    public IDictionary<string, string> Headers { get; } = headers;
}

/// <summary>What a before-commit hook decides.</summary>
public readonly record struct CommitDecision
{
    private CommitDecision(string reason) => Reason = reason;

    /// <summary>Let it pass.</summary>
    public static CommitDecision Proceed => default;

    /// <summary>Why the commit is refused; null when it may pass.</summary>
    public string? Reason { get; }

    /// <summary>Refuse it, for a reason that the caller is told.</summary>
    public static CommitDecision Refuse(string reason)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(reason);
        return new(reason);
    }
}
