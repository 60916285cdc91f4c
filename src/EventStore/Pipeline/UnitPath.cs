namespace EventStore.Pipeline;

/// <summary>
/// The path by which commits of several streams are stored together. Each gets its hooks and is encoded; one attempt stores all; then each
/// gets its hooks.
/// </summary>
/// <param name="codec">Encodes events and headers.</param>
/// <param name="hooks">Run before and after each commit.</param>
/// <param name="committer">Stores the unit.</param>
/// <param name="beforeReturn">
/// Runs after the unit up to a checkpoint is stored, before the caller gets its result; null where there is nothing to do.
/// </param>
internal sealed class UnitPath(EventCodec codec, PipelineHooks hooks, Committer committer, Func<Checkpoint, ValueTask>? beforeReturn)
{
    /// <summary>Commits a unit of at least one commit.</summary>
    public async ValueTask<UnitResult> CommitAsync(CommitUnit unit, CancellationToken cancellationToken)
    {
        var started = committer.StartTimer();
        var records = Encode(unit);
        var step = committer.StartActivity(unit.Commits[0].Stream, records.Sum(events => events.Length));
        try
        {
            return await StoreAsync(unit, records, started, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            if (step.Activity is not null)
            {
                await committer.LeaveThreadAsync().ConfigureAwait(false);
                step.Dispose();
            }
        }
    }

    private async ValueTask<UnitResult> StoreAsync(
        CommitUnit unit, EventRecord[][] records, long started, CancellationToken cancellationToken)
    {
        var pending = unit.Commits
            .Select(commit => new PendingCommit(
                commit.Stream, unit.CommitId, commit.Expected, commit.Events, unit.Headers.ToDictionary(StringComparer.Ordinal)))
            .ToArray();
        if (hooks.Any)
        {
            foreach (var commit in pending) await hooks.BeforeCommitAsync(commit, cancellationToken).ConfigureAwait(false);
        }

        var attempt = AttemptOf(unit, pending, records);
        var results = await committer.CommitUnitAsync(attempt, started, cancellationToken).ConfigureAwait(false);

        // Units do not continue on the thread that sends batches: they are rare, and have several commits to follow.
        await committer.LeaveThreadAsync().ConfigureAwait(false);
        var result = new UnitResult(unit.CommitId, results, results[0].IsDuplicate);
        for (var i = 0; i < pending.Length && !result.IsDuplicate; i++)
            await hooks.AfterCommitAsync(pending[i], results[i]).ConfigureAwait(false);
        if (beforeReturn is not null) await beforeReturn(result.LastCheckpoint).ConfigureAwait(false);
        return result;
    }

    private EventRecord[][] Encode(CommitUnit unit)
    {
        var ids = new HashSet<Guid>();
        var records = new EventRecord[unit.Commits.Count][];
        for (var i = 0; i < records.Length; i++)
        {
            var commit = unit.Commits[i];
            records[i] = [.. commit.Events.Select(message => codec.Encode(commit.Stream, message))];
            CommitPath.RefuseRepeatedIds(records[i], ids);
        }

        return records;
    }

    private CommitAttempt AttemptOf(CommitUnit unit, PendingCommit[] pending, EventRecord[][] records)
    {
        var rest = new CommitAttempt[pending.Length - 1];
        for (var i = 0; i < rest.Length; i++) rest[i] = Member(i + 1);
        return new CommitAttempt(pending[0].Stream, unit.CommitId, records[0])
        {
            Expected = ExpectationOf(0),
            Headers = HeadersOf(pending[0]),
            Condition = codec.Widen(unit.Condition),
            Rest = rest,
        };

        CommitAttempt Member(int index) => new(pending[index].Stream, unit.CommitId, records[index])
        {
            Expected = ExpectationOf(index),
            Headers = HeadersOf(pending[index]),
        };

        StreamExpectation ExpectationOf(int index) => new(pending[index].Expected, unit.Commits[index].Incarnation);
    }

    private ReadOnlyMemory<byte> HeadersOf(PendingCommit commit) =>
        codec.EncodeCommitHeaders(commit.Stream, commit.CommitId, commit.Headers);
}
