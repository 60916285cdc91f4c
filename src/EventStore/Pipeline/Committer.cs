using System.Runtime.CompilerServices;
using EventStore.Diagnostics;

namespace EventStore.Pipeline;

/// <summary>Passes attempts to the group commit, and turns each outcome into a result or an exception.</summary>
internal sealed class Committer(GroupCommit group, DuplicateCheck duplicates, Telemetry telemetry)
{
    /// <summary>Starts the measurement of a commit. Pass the returned timestamp to <see cref="CommitAsync"/>.</summary>
    public long StartTimer() => telemetry.CommitStarted();

    /// <exception cref="ConcurrencyException">The stream is not at the expected revision.</exception>
    /// <exception cref="CommitIdReusedException">Another commit has the same id.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<(CommitResult Result, CommitRecord Stored)> CommitAsync(
        CommitAttempt attempt, long started, CancellationToken cancellationToken)
    {
        var (outcome, wasSettled) = await group.SubmitAsync(attempt, cancellationToken).ConfigureAwait(false);
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
}
