using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace EventStore.Tests;

// Hooks and a log for the facts about messages.

/// <summary>Hides every text that begins with "secret".</summary>
internal sealed class HideSecrets : IPipelineHook
{
    public CommittedEvent? Select(CommittedEvent committed) =>
        ((string)committed.Body).StartsWith("secret", StringComparison.Ordinal) ? null : committed;
}

/// <summary>Refuses one text, with a reason that quotes the stream, and throws after each commit, deletion and purge.</summary>
internal sealed class Unwilling(string forbidden) : IPipelineHook
{
    public ValueTask<CommitDecision> BeforeCommitAsync(PendingCommit commit, CancellationToken cancellationToken) =>
        new((string)commit.Events[0].Body == forbidden ? CommitDecision.Refuse($"No, {commit.Stream.Id}.") : CommitDecision.Proceed);

    public ValueTask AfterCommitAsync(PendingCommit commit, CommitResult result, CancellationToken cancellationToken) =>
        throw new InvalidOperationException("hook");

    public ValueTask AfterDeleteAsync(StreamId stream, CancellationToken cancellationToken) => throw new InvalidOperationException("hook");

    public ValueTask AfterPurgeAsync(string? bucket, CancellationToken cancellationToken) => throw new InvalidOperationException("hook");
}
