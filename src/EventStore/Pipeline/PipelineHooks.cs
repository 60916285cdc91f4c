using EventStore.Diagnostics;
using Microsoft.Extensions.Logging;

namespace EventStore.Pipeline;

/// <summary>Runs the application's hooks, in the order of the wireup.</summary>
internal sealed class PipelineHooks(IReadOnlyList<IPipelineHook> hooks, ILogger logger)
{
    // What selects on this thread. A hook that selects is synchronous, and an asynchronous local would cost more than most of them do.
    [ThreadStatic]
    private static PipelineHooks? selecting;
    private readonly IPipelineHook[] hooks = [.. hooks];
    private readonly ApplicationCalls calls = new();

    public bool Any => hooks.Length > 0;

    /// <summary>Whether the present code was called by a hook.</summary>
    public bool IsInside => calls.IsInside || selecting == this;

    public IReadOnlyList<string> Names => [.. hooks.Select(hook => hook.GetType().Name)];

    /// <exception cref="CommitRefusedException">A hook refused.</exception>
    public async ValueTask BeforeCommitAsync(PendingCommit commit, CancellationToken cancellationToken)
    {
        using var call = calls.Enter();
        foreach (var hook in hooks)
        {
            var decision = await hook.BeforeCommitAsync(commit, cancellationToken).ConfigureAwait(false);
            if (decision.Reason is { } reason) throw new CommitRefusedException(commit.Stream, hook.GetType().Name, reason);
        }
    }

    public async ValueTask AfterCommitAsync(PendingCommit commit, CommitResult result)
    {
        using var call = calls.Enter();
        foreach (var hook in hooks)
        {
            try
            {
                await hook.AfterCommitAsync(commit, result, CancellationToken.None).ConfigureAwait(false);
            }
            catch (Exception error)
            {
                Log.AfterCommitHookFailed(logger, error, hook.GetType().Name, commit.CommitId, commit.Stream);
            }
        }
    }

    public CommittedEvent? Select(CommittedEvent committed)
    {
        var before = selecting;
        selecting = this;
        try
        {
            foreach (var hook in hooks)
            {
                if (hook.Select(committed) is not { } selected) return null;
                committed = selected;
            }

            return committed;
        }
        finally
        {
            selecting = before;
        }
    }

    public ValueTask AfterDeleteAsync(StreamId stream) =>
        AfterRemovalAsync($"stream '{stream}'", hook => hook.AfterDeleteAsync(stream, CancellationToken.None));

    public ValueTask AfterPurgeAsync(string? bucket) =>
        AfterRemovalAsync(
            bucket is null ? "the store" : $"bucket '{Engines.Names.Printable(bucket)}'",
            hook => hook.AfterPurgeAsync(bucket, CancellationToken.None));

    private async ValueTask AfterRemovalAsync(string what, Func<IPipelineHook, ValueTask> run)
    {
        using var call = calls.Enter();
        foreach (var hook in hooks)
        {
            try
            {
                await run(hook).ConfigureAwait(false);
            }
            catch (Exception error)
            {
                Log.AfterRemovalHookFailed(logger, error, hook.GetType().Name, what);
            }
        }
    }
}
