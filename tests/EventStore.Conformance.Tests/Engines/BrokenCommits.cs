using System.Collections.Concurrent;

namespace EventStore.Conformance.Tests.Engines;

/// <summary>Reports conflicting attempts as stored, as an insert that ignores a violated key does (G5).</summary>
[CaughtBy(typeof(CommitSpecification<>), nameof(CommitSpecification<>.Nothing_of_a_conflicting_attempt_is_stored))]
[CaughtBy(
    typeof(ConcurrencySpecification<>),
    nameof(ConcurrencySpecification<>.Of_many_concurrent_commits_at_one_revision_exactly_one_succeeds_and_the_others_get_the_head))]
internal sealed class ReportsSuccessToLosers(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    protected override async ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken)
    {
        var outcome = await StoreAsync(attempt, cancellationToken);
        return outcome.Kind == CommitOutcomeKind.Conflict
            ? CommitOutcome.Committed(Imagine(attempt, outcome.Actual.Revision, new Checkpoint(1)))
            : outcome;
    }
}

/// <summary>Reads the head and appends one above it in two steps, and loses a commit stored in between, reporting success (G6).</summary>
[CaughtBy(
    typeof(ConcurrencySpecification<>),
    nameof(ConcurrencySpecification<>.Concurrent_appends_that_expect_nothing_all_succeed_once_each))]
internal sealed class DropsContendedAppends(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    protected override async ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken)
    {
        if (attempt.Expected != ExpectedRevision.Any) return await StoreAsync(attempt, cancellationToken);
        var head = await RevisionOfAsync(attempt.Stream);
        await Task.Delay(1, CancellationToken.None);
        var outcome = await StoreAsync(Expecting(attempt, head), cancellationToken);
        return outcome.Kind == CommitOutcomeKind.Conflict ? CommitOutcome.Committed(Imagine(attempt, head, new Checkpoint(1))) : outcome;
    }
}

/// <summary>Reports a conflict for appends at any revision under contention, instead of retrying (G6).</summary>
[CaughtBy(
    typeof(ConcurrencySpecification<>),
    nameof(ConcurrencySpecification<>.Concurrent_appends_that_expect_nothing_all_succeed_once_each))]
internal sealed class RefusesContendedAppends(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    protected override async ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken)
    {
        if (attempt.Expected != ExpectedRevision.Any) return await StoreAsync(attempt, cancellationToken);
        var head = await RevisionOfAsync(attempt.Stream);
        await Task.Delay(1, CancellationToken.None);
        return await StoreAsync(Expecting(attempt, head), cancellationToken);
    }
}

/// <summary>Checks for a stream and creates it in two steps, so that two creators both succeed (G6).</summary>
[CaughtBy(typeof(ConcurrencySpecification<>), nameof(ConcurrencySpecification<>.Of_many_creators_of_a_stream_exactly_one_creates_it))]
internal sealed class CreatesTwice(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    protected override async ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken)
    {
        if (attempt.Expected != ExpectedRevision.NoStream || await RevisionOfAsync(attempt.Stream) != Revision.None)
            return await StoreAsync(attempt, cancellationToken);
        await Task.Delay(1, CancellationToken.None);
        return await StoreAsync(Expecting(attempt, ExpectedRevision.Any), cancellationToken);
    }
}

/// <summary>Accepts an expected revision above the head, which leaves a gap (G4).</summary>
[CaughtBy(typeof(CommitSpecification<>), nameof(CommitSpecification<>.Each_expectation_holds_or_conflicts_by_the_actual_head))]
internal sealed class TakesRevisionsAboveTheHead(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    protected override async ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken) =>
        await StoreAsync(
            attempt.Expected.Revision.Exact > await RevisionOfAsync(attempt.Stream) ? Expecting(attempt, ExpectedRevision.Any) : attempt,
            cancellationToken);
}

/// <summary>Creates the stream that was expected to exist (G6).</summary>
[CaughtBy(typeof(CommitSpecification<>), nameof(CommitSpecification<>.Each_expectation_holds_or_conflicts_by_the_actual_head))]
internal sealed class CreatesWhatShouldExist(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    protected override ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken) =>
        StoreAsync(
            attempt.Expected == ExpectedRevision.StreamExists ? Expecting(attempt, ExpectedRevision.Any) : attempt, cancellationToken);
}

/// <summary>Rolls a whole batch back when one of its attempts conflicts, as one transaction around all of them does (G5).</summary>
[CaughtBy(typeof(CommitSpecification<>), nameof(CommitSpecification<>.Attempts_of_a_batch_take_effect_in_order_and_independently))]
internal sealed class RollsBackTheBatch(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
    {
        var heads = new Dictionary<StreamId, StreamState>();
        foreach (var attempt in attempts)
        {
            if (!heads.TryGetValue(attempt.Stream, out var head))
                head = StreamState.Of(await Inner.FindHeadAsync(attempt.Stream, cancellationToken));
            if (!attempt.Expected.IsMetBy(head)) return [.. attempts.Select(_ => CommitOutcome.Conflict(head))];
            heads[attempt.Stream] = head with { Revision = head.Revision + attempt.Events.Count };
        }

        return await Inner.CommitAsync(attempts, cancellationToken);
    }
}

/// <summary>
/// Stores each event by itself, as several documents without a transaction do, so that what should be one commit is many (G3).
/// </summary>
[CaughtBy(typeof(CommitSpecification<>), nameof(CommitSpecification<>.The_outcome_equals_what_a_read_returns))]
internal sealed class TearsCommits(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    protected override async ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken)
    {
        var outcome = await StoreAsync(
            new CommitAttempt(attempt.Stream, attempt.CommitId, [attempt.Events[0]])
            {
                Expected = attempt.Expected,
                Headers = attempt.Headers,
            },
            cancellationToken);
        if (outcome.Kind != CommitOutcomeKind.Committed) return outcome;
        foreach (var record in attempt.Events.Skip(1))
            await StoreAsync(
                new CommitAttempt(attempt.Stream, SequentialGuid.Next(), [record]) { Headers = attempt.Headers }, cancellationToken);
        return CommitOutcome.Committed(outcome.Commit! with { EventCount = attempt.Events.Count });
    }
}

/// <summary>Stores the first thousand events of a large commit and loses the rest, as a driver with limited parameters does (G8).</summary>
[CaughtBy(typeof(CommitSpecification<>), nameof(CommitSpecification<>.A_commit_of_many_events_is_stored_whole_or_refused_as_too_large))]
internal sealed class CutsLargeCommits(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    protected override ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken) => StoreAsync(
        new CommitAttempt(attempt.Stream, attempt.CommitId, [.. attempt.Events.Take(1000)])
        {
            Expected = attempt.Expected,
            Headers = attempt.Headers,
        },
        cancellationToken);
}

/// <summary>Refuses an attempt that is too large after those before it in the batch are stored (G8).</summary>
[CaughtBy(
    typeof(CommitSpecification<>),
    nameof(CommitSpecification<>.A_commit_beyond_a_limit_is_refused_and_nothing_of_its_batch_is_stored))]
internal sealed class MeasuresTooLate(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
    {
        var outcomes = new List<CommitOutcome>();
        foreach (var attempt in attempts) outcomes.AddRange(await Inner.CommitAsync([attempt], cancellationToken));
        return outcomes;
    }
}

/// <summary>Stores although it was cancelled before (G12).</summary>
[CaughtBy(typeof(CommitSpecification<>), nameof(CommitSpecification<>.Cancellation_before_sending_stores_nothing))]
internal sealed class CommitsThoughCancelled(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default) =>
        Inner.CommitAsync(attempts, CancellationToken.None);
}

/// <summary>Stores first and checks the cancellation afterwards, so that a cancelled call has stored something (G12).</summary>
[CaughtBy(typeof(CommitSpecification<>), nameof(CommitSpecification<>.Cancellation_before_sending_stores_nothing))]
internal sealed class CancelsAfterStoring(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
    {
        var outcomes = await Inner.CommitAsync(attempts, CancellationToken.None);
        cancellationToken.ThrowIfCancellationRequested();
        return outcomes;
    }
}

/// <summary>Decides by cached heads, which are stale after another process deletes a stream (G5).</summary>
[CaughtBy(
    typeof(ConcurrencySpecification<>),
    nameof(ConcurrencySpecification<>.Commits_and_deletions_of_one_engine_are_visible_to_the_others_at_once))]
internal sealed class RemembersHeads(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    private readonly ConcurrentDictionary<StreamId, StreamState> heads = new();

    protected override async ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken)
    {
        if (heads.TryGetValue(attempt.Stream, out var head) && attempt.Expected.Revision.Exact < head.Revision)
        {
            // No stream is at this revision, so only a duplicate is found.
            var known = await StoreAsync(Expecting(attempt, Revision.Max), cancellationToken);
            return known.Kind == CommitOutcomeKind.Duplicate ? known : CommitOutcome.Conflict(head);
        }

        var outcome = await StoreAsync(attempt, cancellationToken);
        heads[attempt.Stream] = await StateOfAsync(attempt.Stream);
        return outcome;
    }

    public override ValueTask<StreamChange> DeleteStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default)
    {
        heads.TryRemove(stream, out _);
        return Inner.DeleteStreamAsync(stream, expected, cancellationToken);
    }

    public override ValueTask PurgeBucketAsync(string bucket, CancellationToken cancellationToken = default)
    {
        heads.Clear();
        return Inner.PurgeBucketAsync(bucket, cancellationToken);
    }

    public override ValueTask PurgeAllAsync(CancellationToken cancellationToken = default)
    {
        heads.Clear();
        return Inner.PurgeAllAsync(cancellationToken);
    }
}
