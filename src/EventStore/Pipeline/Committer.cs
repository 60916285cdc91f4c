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
    /// Returns a commit to the caller, whose code continues on the thread pool, or on the thread that sends batches if that is lent to it.
    /// A caller that blocks until the commit is stored is released without a thread of the pool.
    /// </summary>
    public ValueTask<CommitResult> ToCaller(ValueTask<CommitResult> committing, Guid commitId)
    {
        if (committing.IsCompleted || !group.HasThread) return committing;
        var isLone = group.IsLone(commitId);
        var caller = new TaskCompletionSource<CommitResult>(
            isLone ? TaskCreationOptions.None : TaskCreationOptions.RunContinuationsAsynchronously);
        _ = PassOnAsync(committing, caller, isLone);
        return new(caller.Task);
    }

    /// <exception cref="ConcurrencyException">The stream is not at the expected revision.</exception>
    /// <exception cref="CommitIdReusedException">Another commit has the same id.</exception>
    public ValueTask<(CommitResult Result, CommitRecord Stored)> CommitAsync(
        CommitAttempt attempt, long started, CancellationToken cancellationToken)
    {
        var submitted = group.SubmitAsync(attempt, cancellationToken);
        return submitted is { IsCompletedSuccessfully: true, Result.Outcome: { Kind: CommitOutcomeKind.Committed } outcome }
            ? new(Committed(outcome.Commit!, isDuplicate: false, started))
            : FinishAsync(attempt, submitted, started);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<(CommitResult Result, CommitRecord Stored)> FinishAsync(
        CommitAttempt attempt, ValueTask<(CommitOutcome Outcome, bool WasSettled)> submitted, long started)
    {
        var (outcome, wasSettled) = await submitted.ConfigureAwait(false);
        if (outcome.Kind != CommitOutcomeKind.Committed) await LeaveThreadAsync().ConfigureAwait(false);
        if (outcome.Kind == CommitOutcomeKind.Conflict)
        {
            telemetry.Conflicted();
            throw new ConcurrencyException(attempt.Stream, attempt.Expected.Revision, outcome.Actual.Revision);
        }

        var isDuplicate = outcome.Kind == CommitOutcomeKind.Duplicate
            && !await duplicates.IsOwnAsync(attempt, outcome.Commit!, wasSettled).ConfigureAwait(false);
        return Committed(outcome.Commit!, isDuplicate, started);
    }

    private (CommitResult Result, CommitRecord Stored) Committed(CommitRecord stored, bool isDuplicate, long started)
    {
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

    private static async Task PassOnAsync(
        ValueTask<CommitResult> committing, TaskCompletionSource<CommitResult> caller, bool continuesInline)
    {
        CommitResult? result = null;
        Exception? failure = null;
        try
        {
            result = await committing.ConfigureAwait(false);
        }
        catch (Exception error)
        {
            failure = error;
        }

        // As after a cancellation, or where an attempt of the same id was the lone one.
        if (continuesInline && !CommitThread.IsLentToCurrent)
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        if (result is not null) caller.SetResult(result);
        else if (failure is OperationCanceledException cancelled) caller.SetCanceled(cancelled.CancellationToken);
        else caller.SetException(failure!);
    }
}
