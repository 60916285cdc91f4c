using System.Runtime.CompilerServices;
using EventStore.Diagnostics;

namespace EventStore.Pipeline;

/// <summary>Passes attempts to the group commit, and turns each outcome into a result or an exception.</summary>
internal sealed class Committer(GroupCommit group, DuplicateCheck duplicates, Telemetry telemetry)
{
    /// <summary>Starts the measurement of a commit. Pass the returned timestamp to <see cref="CommitAsync"/>.</summary>
    public long StartTimer() => telemetry.CommitStarted();

    /// <summary>
    /// Continues on the thread pool if it is called on the thread that sends batches. Called before code of the application runs.
    /// </summary>
    public ValueTask LeaveThreadAsync() => group.LeaveThreadAsync();

    /// <summary>
    /// Returns a commit to the caller, whose code continues on the thread pool and never on the thread that sends batches. A caller that
    /// blocks until the commit is stored is released without a thread of the pool.
    /// </summary>
    public ValueTask<CommitResult> ToCaller(ValueTask<CommitResult> committing)
    {
        if (committing.IsCompleted || !group.HasThread) return committing;
        var caller = new TaskCompletionSource<CommitResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = PassOnAsync(committing, caller);
        return new(caller.Task);
    }

    /// <exception cref="ConcurrencyException">The stream is not at the expected revision.</exception>
    /// <exception cref="CommitIdReusedException">Another commit has the same id.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<(CommitResult Result, CommitRecord Stored)> CommitAsync(
        CommitAttempt attempt, long started, CancellationToken cancellationToken)
    {
        var (outcome, wasSettled) = await group.SubmitAsync(attempt, cancellationToken).ConfigureAwait(false);
        if (outcome.Kind != CommitOutcomeKind.Committed) await LeaveThreadAsync().ConfigureAwait(false);
        if (outcome.Kind == CommitOutcomeKind.Conflict)
        {
            telemetry.Conflicted();
            throw new ConcurrencyException(attempt.Stream, attempt.Expected.Revision, outcome.Actual.Revision);
        }

        var stored = outcome.Commit!;
        var isDuplicate = outcome.Kind == CommitOutcomeKind.Duplicate
            && !await duplicates.IsOwnAsync(attempt, stored, wasSettled).ConfigureAwait(false);
        var result = new CommitResult(
            stored.Stream,
            stored.CommitId,
            stored.Sequence,
            stored.Stamp,
            stored.FirstRevision,
            stored.LastRevision,
            stored.LastCheckpoint,
            isDuplicate);
        if (isDuplicate) telemetry.Duplicated();
        else telemetry.Committed(result.EventCount, started);
        return (result, stored);
    }

    private static async Task PassOnAsync(ValueTask<CommitResult> committing, TaskCompletionSource<CommitResult> caller)
    {
        try
        {
            caller.SetResult(await committing.ConfigureAwait(false));
        }
        catch (OperationCanceledException error)
        {
            caller.SetCanceled(error.CancellationToken);
        }
        catch (Exception error)
        {
            caller.SetException(error);
        }
    }
}
