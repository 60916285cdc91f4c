namespace EventStore.Conformance.Tests.Engines;

/// <summary>Stores a commit whatever its condition is (G52).</summary>
[CaughtBy(
    typeof(ConditionSpecification<>), nameof(ConditionSpecification<>.A_condition_is_decided_by_what_is_stored_after_its_checkpoint))]
[CaughtBy(
    typeof(DecisionSpecification<>),
    nameof(DecisionSpecification<>.A_condition_refuses_what_the_decision_did_not_see_and_nothing_that_it_saw))]
internal sealed class IgnoresConditions(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    protected override ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken) =>
        StoreAsync(On(attempt, null), cancellationToken);
}

/// <summary>Counts the event at the condition's checkpoint, which the decision has seen (G52).</summary>
[CaughtBy(
    typeof(ConditionSpecification<>), nameof(ConditionSpecification<>.A_condition_is_decided_by_what_is_stored_after_its_checkpoint))]
internal sealed class IncludesTheCheckpoint(IPersistenceEngine inner) : DecidesConditions(inner)
{
    protected override ValueTask<CommitOutcome?> RefuseAsync(CommitAttempt attempt, AppendCondition condition) =>
        RefuseByAsync(FilterOf(condition), new Checkpoint(Math.Max(0, condition.After.Value - 1)));
}

/// <summary>Skips the first event after the condition's checkpoint (G52).</summary>
[CaughtBy(
    typeof(ConditionSpecification<>), nameof(ConditionSpecification<>.A_condition_is_decided_by_what_is_stored_after_its_checkpoint))]
internal sealed class BeginsOneAfterTheCheckpoint(IPersistenceEngine inner) : DecidesConditions(inner)
{
    protected override ValueTask<CommitOutcome?> RefuseAsync(CommitAttempt attempt, AppendCondition condition) =>
        RefuseByAsync(FilterOf(condition), condition.After + 1);
}

/// <summary>Names the newest event in the way instead of the first (G52).</summary>
[CaughtBy(
    typeof(ConditionSpecification<>), nameof(ConditionSpecification<>.A_condition_is_decided_by_what_is_stored_after_its_checkpoint))]
internal sealed class NamesTheNewestInTheWay(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    protected override async ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken)
    {
        var outcome = await StoreAsync(attempt, cancellationToken);
        if (outcome.Kind != CommitOutcomeKind.ConditionNotMet) return outcome;
        var filter = new EventFilter { Criteria = attempt.Condition!.Criteria };
        var newest = await Inner.ReadAllAsync(
            new StoreRead(filter, attempt.Condition.After, Checkpoint.Max, ReadDirection.Backward, new PageLimit(1, 1)), cancellationToken);
        return CommitOutcome.ConditionNotMet(newest.Events.Span[0].Checkpoint);
    }
}

/// <summary>Decides a condition after the events are in the index, so that the attempt refuses itself (G52).</summary>
[CaughtBy(
    typeof(ConditionSpecification<>),
    nameof(ConditionSpecification<>.Attempts_see_the_earlier_ones_of_their_batch_but_not_their_own_events))]
internal sealed class SeesItsOwnEvents(IPersistenceEngine inner) : DecidesConditions(inner)
{
    protected override async ValueTask<CommitOutcome?> RefuseAsync(CommitAttempt attempt, AppendCondition condition)
    {
        var imagined = Imagine(attempt, Revision.None, new Checkpoint(1));
        return attempt.Events.Select((record, i) => new RecordedEvent(imagined, i, record)).Any(own => condition.Criteria.Matches(own))
            ? CommitOutcome.ConditionNotMet(imagined.FirstCheckpoint)
            : await RefuseByAsync(FilterOf(condition), condition.After);
    }
}

/// <summary>Decides by the first event of each commit, as an index of commits does (G52).</summary>
[CaughtBy(
    typeof(ConditionSpecification<>), nameof(ConditionSpecification<>.Criteria_of_a_condition_mean_what_they_mean_when_reading))]
internal sealed class DecidesByFirstEvents(IPersistenceEngine inner) : DecidesConditions(inner)
{
    protected override ValueTask<CommitOutcome?> RefuseAsync(CommitAttempt attempt, AppendCondition condition) =>
        RefuseByAsync(FilterOf(condition), condition.After, recorded => recorded.IndexInCommit == 0);
}

/// <summary>Decides by the events of every bucket (G2, G52).</summary>
[CaughtBy(
    typeof(ConditionSpecification<>), nameof(ConditionSpecification<>.Criteria_of_a_condition_mean_what_they_mean_when_reading))]
internal sealed class DecidesByEveryBucket(IPersistenceEngine inner) : DecidesConditions(inner)
{
    protected override ValueTask<CommitOutcome?> RefuseAsync(CommitAttempt attempt, AppendCondition condition) => RefuseByAsync(
        EventFilter.Everything,
        condition.After,
        recorded => condition.Criteria.Any.Any(one => (one with { Bucket = recorded.Commit.Stream.Bucket }).Matches(recorded)));
}

/// <summary>Decides by what is left, so that a condition is met by an event that was removed (G52).</summary>
[CaughtBy(
    typeof(ConditionSpecification<>),
    nameof(ConditionSpecification<>.A_condition_on_what_was_removed_meanwhile_is_refused_with_the_checkpoint))]
[CaughtBy(typeof(ModelSpecification<>), nameof(ModelSpecification<>.The_engine_agrees_with_the_model_over_thousands_of_random_operations))]
internal sealed class OverlooksRemovedEvents(IPersistenceEngine inner) : DecidesConditions(inner)
{
    protected override ValueTask<CommitOutcome?> RefuseAsync(CommitAttempt attempt, AppendCondition condition) =>
        RefuseByAsync(FilterOf(condition), condition.After);
}

/// <summary>Decides the conditions of a batch before it stores the first attempt (G52).</summary>
[CaughtBy(
    typeof(ConditionSpecification<>),
    nameof(ConditionSpecification<>.Attempts_see_the_earlier_ones_of_their_batch_but_not_their_own_events))]
internal sealed class DecidesTheBatchFirst(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
    {
        var decided = new List<CommitAttempt>();
        foreach (var attempt in attempts)
        {
            var isMet = attempt.Condition is { } condition && (await Inner.ReadAllAsync(
                new StoreRead(
                    new EventFilter { Criteria = condition.Criteria },
                    condition.After,
                    Checkpoint.Max,
                    ReadDirection.Forward,
                    new PageLimit(1, 1)),
                cancellationToken)).Events.IsEmpty;
            decided.Add(isMet ? Unconditional(attempt) : attempt);
        }

        return await Inner.CommitAsync(decided, cancellationToken);
    }

    private static CommitAttempt Unconditional(CommitAttempt attempt) => new(attempt.Stream, attempt.CommitId, attempt.Events)
    {
        Expected = attempt.Expected,
        Headers = attempt.Headers,
        Rest = attempt.Rest,
    };
}

/// <summary>Decides a condition and appends in two steps, so that another writer comes between (G52).</summary>
[CaughtBy(
    typeof(ConditionSpecification<>),
    nameof(ConditionSpecification<>.Of_racing_writers_whose_conditions_exclude_one_another_exactly_one_wins))]
internal sealed class AppendsAfterDeciding(IPersistenceEngine inner) : DecidesConditions(inner)
{
    protected override async ValueTask<CommitOutcome?> RefuseAsync(CommitAttempt attempt, AppendCondition condition)
    {
        var refused = await RefuseByAsync(FilterOf(condition), condition.After);
        await Task.Delay(1, CancellationToken.None);
        return refused;
    }
}

/// <summary>Decides the condition before the commit id, so that a retry is refused by its own events (G7, G52).</summary>
[CaughtBy(
    typeof(ConditionSpecification<>),
    nameof(ConditionSpecification<>.A_repeated_commit_is_a_duplicate_although_its_own_events_now_stand_in_the_way))]
internal sealed class DecidesConditionsFirst(IPersistenceEngine inner) : DecidesConditions(inner)
{
    protected override async ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken) =>
        attempt.Condition is { } condition && await RefuseAsync(attempt, condition) is { } refused
            ? refused
            : await StoreAsync(attempt, cancellationToken);

    protected override ValueTask<CommitOutcome?> RefuseAsync(CommitAttempt attempt, AppendCondition condition) =>
        RefuseByAsync(FilterOf(condition), condition.After);
}
