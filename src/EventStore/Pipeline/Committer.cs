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
        return new((ResultOf(done.Outcome.Commit, isDuplicate: false), done.Outcome.Commit));
    }

    /// <summary>Commits a unit. The results are in the order of its commits.</summary>
    public async ValueTask<CommitResult[]> CommitUnitAsync(CommitAttempt unit, long started, CancellationToken cancellationToken)
    {
        var (outcome, wasSettled, batch) = await group.SubmitAsync(unit, cancellationToken).ConfigureAwait(false);
        await LeaveThreadAsync().ConfigureAwait(false);
        telemetry.BatchDone(batch);
        var isDuplicate = await IsDuplicateAsync(unit, outcome, wasSettled).ConfigureAwait(false);
        Count(outcome, isDuplicate, started);
        return [.. Enumerable.Range(0, unit.MemberCount)
            .Select(member => ResultOf(member == 0 ? outcome.Commit! : outcome.Rest[member - 1], isDuplicate))];
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
        var isDuplicate = await IsDuplicateAsync(attempt, outcome, wasSettled).ConfigureAwait(false);
        if (isDuplicate || isListenedTo) Count(outcome, isDuplicate, started);
        return (ResultOf(outcome.Commit!, isDuplicate), outcome.Commit!);
    }

    // Whether an attempt was stored before this call. Throws where it is not stored.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> IsDuplicateAsync(CommitAttempt attempt, CommitOutcome outcome, bool wasSettled)
    {
        if (outcome.Kind == CommitOutcomeKind.Committed) return false;
        if (outcome.Kind != CommitOutcomeKind.Duplicate) throw Refused(attempt, outcome);
        var isOwn = await duplicates.IsOwnAsync(attempt, outcome.Commit!, wasSettled).ConfigureAwait(false);
        for (var i = 0; i < attempt.Rest.Count; i++)
            isOwn &= await duplicates.IsOwnAsync(attempt.Rest[i], outcome.Rest[i], wasSettled).ConfigureAwait(false);
        return !isOwn;
    }

    private Exception Refused(CommitAttempt attempt, CommitOutcome outcome)
    {
        if (outcome.Kind is CommitOutcomeKind.Conflict or CommitOutcomeKind.ConditionNotMet) telemetry.Conflicted();
        return Refusal.Of(attempt, outcome);
    }

    private void Count(CommitOutcome outcome, bool isDuplicate, long started)
    {
        var events = outcome.Commit!.EventCount;
        foreach (var commit in outcome.Rest) events += commit.EventCount;
        if (isDuplicate) telemetry.Duplicated();
        else telemetry.Committed(events, started);
    }

    /// <summary>What a caller gets of a stored commit.</summary>
    public static CommitResult ResultOf(CommitRecord stored, bool isDuplicate) => new(
        stored.Stream,
        stored.CommitId,
        stored.Sequence,
        stored.Stamp,
        stored.FirstRevision,
        stored.LastRevision,
        stored.LastCheckpoint,
        isDuplicate);

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
