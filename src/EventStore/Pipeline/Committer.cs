using System.Runtime.CompilerServices;
using EventStore.Diagnostics;

namespace EventStore.Pipeline;

/// <summary>Passes attempts to the group commit, and turns each outcome into a result or an exception.</summary>
internal sealed class Committer(GroupCommit group, DuplicateCheck duplicates, Telemetry telemetry)
{
    /// <summary>Starts the measurement of a commit. Pass the returned timestamp to <see cref="CommitAsync"/>.</summary>
    public long StartTimer() => telemetry.CommitStarted();

    /// <summary>Starts the activity of a commit. Leave the thread that sends batches before it is disposed.</summary>
    public TracedStep StartActivity(StreamId stream, int events) => telemetry.StartCommit(stream, events);

    /// <summary>
    /// Continues on the thread pool if it is called on the thread that sends batches. Called before code of the application runs.
    /// </summary>
    public ValueTask LeaveThreadAsync() => group.LeaveThreadAsync();

    /// <summary>
    /// Returns a commit to the caller. Its code continues on the thread pool, or on the thread that sends batches where that is lent to it.
    /// A caller that blocks until the commit is stored is released without a thread of the pool.
    /// </summary>
    public ValueTask<CommitResult> ToCaller(ValueTask<CommitResult> committing, Guid commitId)
    {
        if (committing.IsCompleted || !group.HasThread) return committing;
        var lone = group.FindLone(commitId);
        var caller = new TaskCompletionSource<CommitResult>(
            lone is null ? TaskCreationOptions.RunContinuationsAsynchronously : TaskCreationOptions.None);
        _ = PassOnAsync(committing, caller, lone);
        return new(caller.Task);
    }

    /// <exception cref="ConcurrencyException">The stream is not at the expected revision.</exception>
    /// <exception cref="CommitIdReusedException">Another commit has the same id.</exception>
    public ValueTask<(CommitResult Result, CommitRecord Stored)> CommitAsync(
        CommitAttempt attempt, long started, CancellationToken cancellationToken)
    {
        var submitted = group.SubmitAsync(attempt, cancellationToken);
        if (submitted is not { IsCompletedSuccessfully: true, Result: { Outcome.Kind: CommitOutcomeKind.Committed } done })
            return FinishAsync(attempt, submitted, started);
        telemetry.BatchDone(done.Batch);
        telemetry.Committed(done.Outcome.Commit!.EventCount, started);
        return new(Returned(done.Outcome.Commit, isDuplicate: false));
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<(CommitResult Result, CommitRecord Stored)> FinishAsync(
        CommitAttempt attempt, ValueTask<Submitted> submitted, long started)
    {
        var (outcome, wasSettled, batch) = await submitted.ConfigureAwait(false);

        // A listener must not run on the thread that sends batches. One that begins to listen from here on misses this commit.
        var isListenedTo = Telemetry.IsListenedTo;
        if (isListenedTo || outcome.Kind != CommitOutcomeKind.Committed) await LeaveThreadAsync().ConfigureAwait(false);
        if (isListenedTo) telemetry.BatchDone(batch);
        if (outcome.Kind == CommitOutcomeKind.Conflict)
        {
            telemetry.Conflicted();
            throw new ConcurrencyException(attempt.Stream, attempt.Expected, outcome.Actual);
        }

        var isDuplicate = outcome.Kind == CommitOutcomeKind.Duplicate
            && !await duplicates.IsOwnAsync(attempt, outcome.Commit!, wasSettled).ConfigureAwait(false);
        if (isDuplicate) telemetry.Duplicated();
        else if (isListenedTo) telemetry.Committed(outcome.Commit!.EventCount, started);
        return Returned(outcome.Commit!, isDuplicate);
    }

    private static (CommitResult Result, CommitRecord Stored) Returned(CommitRecord stored, bool isDuplicate)
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
        return (result, stored);
    }

    private static async Task PassOnAsync(
        ValueTask<CommitResult> committing, TaskCompletionSource<CommitResult> caller, QueuedAttempt? lone)
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

        // As after a cancellation, or where another attempt of the same id was the lone one.
        if (lone is not null && !CommitThread.IsLentTo(lone))
            await CommitThread.ToPoolAsync().ConfigureAwait(false);
        if (result is not null) caller.SetResult(result);
        else if (failure is OperationCanceledException cancelled) caller.SetCanceled(cancelled.CancellationToken);
        else caller.SetException(failure!);
    }
}
