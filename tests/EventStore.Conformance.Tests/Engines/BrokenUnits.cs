using System.Collections.Concurrent;

namespace EventStore.Conformance.Tests.Engines;

/// <summary>Stores the commits of a unit one after the other, and stops at the first that is refused (G54).</summary>
[CaughtBy(typeof(UnitSpecification<>), nameof(UnitSpecification<>.One_refusal_refuses_all_and_names_the_stream))]
[CaughtBy(typeof(UnitSpecification<>), nameof(UnitSpecification<>.The_commits_of_a_unit_are_consecutive_and_belong_together))]
internal sealed class StoresUnitsByHalves(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    protected override async ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken)
    {
        if (attempt.Rest.Count == 0) return await StoreAsync(attempt, cancellationToken);
        var stored = new List<CommitRecord>();
        for (var i = 0; i < attempt.MemberCount; i++)
        {
            var member = attempt.Member(i);
            var outcome = await StoreAsync(
                new CommitAttempt(member.Stream, member.CommitId, member.Events)
                {
                    Expected = member.Expected,
                    Headers = member.Headers,
                    Condition = member.Condition,
                },
                cancellationToken);
            if (outcome.Kind == CommitOutcomeKind.Conflict) return CommitOutcome.Conflict(outcome.Actual, i);
            if (outcome.Kind != CommitOutcomeKind.Committed) return outcome;
            stored.Add(outcome.Commit!);
        }

        return CommitOutcome.Committed(stored[0], stored[1..]);
    }
}

/// <summary>Recognizes a unit by the commit id in its first stream alone (G7, G54).</summary>
[CaughtBy(typeof(UnitSpecification<>), nameof(UnitSpecification<>.A_unit_is_a_duplicate_only_of_itself_and_any_mix_is_a_reused_id))]
internal sealed class KnowsUnitsByTheFirstStream(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    protected override async ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken) =>
        await Inner.FindCommitAsync(attempt.Stream, attempt.CommitId, cancellationToken) is { } first
            ? CommitOutcome.Duplicate(first)
            : await StoreAsync(attempt, cancellationToken);
}

/// <summary>Accepts a unit whose id one of its streams does not know, as if it had never been stored (G54).</summary>
[CaughtBy(typeof(UnitSpecification<>), nameof(UnitSpecification<>.A_unit_is_a_duplicate_only_of_itself_and_any_mix_is_a_reused_id))]
[CaughtBy(typeof(ModelSpecification<>), nameof(ModelSpecification<>.The_engine_agrees_with_the_model_over_thousands_of_random_operations))]
internal sealed class StoresReusedIdsAgain(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    protected override async ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken)
    {
        var outcome = await StoreAsync(attempt, cancellationToken);
        return outcome.Kind == CommitOutcomeKind.Reused ? await StoreAsync(UnderNewId(attempt), cancellationToken) : outcome;
    }
}

/// <summary>Leaves a checkpoint out between the commits of a unit, as one marker for each commit does (G4, G54).</summary>
[CaughtBy(typeof(UnitSpecification<>), nameof(UnitSpecification<>.The_commits_of_a_unit_are_consecutive_and_belong_together))]
internal sealed class LeavesGapsInUnits(IPersistenceEngine inner) : ChangesWhatIsRead(inner)
{
    public override async ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default) =>
        [
            .. (await Inner.CommitAsync(attempts, cancellationToken)).Select(
                outcome => outcome.Kind == CommitOutcomeKind.Committed
                    ? CommitOutcome.Committed(Change(outcome.Commit!), [.. outcome.Rest.Select(Change)])
                    : outcome),
        ];

    protected override CommitRecord Change(CommitRecord commit) =>
        commit.FirstCheckpoint == commit.Unit.FirstCheckpoint
            ? commit
            : commit with { FirstCheckpoint = commit.FirstCheckpoint + 1, Unit = commit.Unit };
}

/// <summary>Refuses a unit rightly, but always names its first stream (G54).</summary>
[CaughtBy(typeof(UnitSpecification<>), nameof(UnitSpecification<>.One_refusal_refuses_all_and_names_the_stream))]
internal sealed class NamesTheFirstMember(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    protected override async ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken)
    {
        var outcome = await StoreAsync(attempt, cancellationToken);
        return outcome.Kind switch
        {
            CommitOutcomeKind.Conflict => CommitOutcome.Conflict(outcome.Actual),
            CommitOutcomeKind.Sealed => CommitOutcome.Sealed(outcome.Actual),
            _ => outcome,
        };
    }
}

/// <summary>Decides the condition of a unit when its first commit is in the index already (G52, G54).</summary>
[CaughtBy(typeof(UnitSpecification<>), nameof(UnitSpecification<>.One_refusal_refuses_all_and_names_the_stream))]
internal sealed class SeesEarlierCommitsOfItsUnit(IPersistenceEngine inner) : DecidesConditions(inner)
{
    protected override async ValueTask<CommitOutcome?> RefuseAsync(CommitAttempt attempt, AppendCondition condition)
    {
        var earlier = Imagine(attempt, Revision.None, condition.After);
        return attempt.Rest.Count > 0 && attempt.Events.Any(own => condition.Criteria.Matches(new RecordedEvent(earlier, 0, own)))
            ? CommitOutcome.ConditionNotMet(earlier.FirstCheckpoint)
            : await RefuseByAsync(FilterOf(condition), condition.After);
    }
}

/// <summary>Makes the first commits of a unit visible before the last, like a transaction for each stream (G3, G54).</summary>
[CaughtBy(typeof(UnitSpecification<>), nameof(UnitSpecification<>.A_reader_never_sees_a_part_of_a_unit))]
internal sealed class ShowsHalfUnits(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    private readonly ConcurrentDictionary<Checkpoint, bool> delayed = [];

    public override async ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default)
    {
        var page = await Inner.ReadAllAsync(read, cancellationToken);
        if (!page.IsEnd || page.Events.IsEmpty || read.Direction == ReadDirection.Backward) return page;
        var last = page.Events.Span[^1].Commit;
        if (last.Unit.Size == 1 || !delayed.TryAdd(last.FirstCheckpoint, true)) return page;
        var shown = page.Events.ToArray().Where(recorded => recorded.Checkpoint < last.FirstCheckpoint).ToArray();
        return shown.Length == 0 ? page : page with { Events = shown, Position = shown[^1].Checkpoint, Head = shown[^1].Checkpoint };
    }
}

/// <summary>Finds the commits of a unit as if each had been stored alone (G54).</summary>
[CaughtBy(
    typeof(DecisionSpecification<>),
    nameof(DecisionSpecification<>.A_commit_and_a_unit_are_found_by_their_id_also_where_their_events_were_truncated))]
internal sealed class FindsCommitsWithoutTheirUnit(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<CommitRecord?> FindCommitAsync(
        StreamId stream, Guid commitId, CancellationToken cancellationToken = default) =>
        await base.FindCommitAsync(stream, commitId, cancellationToken) is { } found
            ? found with { Unit = new UnitPlace(found.FirstCheckpoint, 1) }
            : null;
}

/// <summary>Compares only the revisions of the streams of a unit, not which streams they are (G5, G54).</summary>
[CaughtBy(
    typeof(DecisionSpecification<>), nameof(DecisionSpecification<>.A_unit_of_opened_streams_notices_that_one_of_them_was_created_again))]
internal sealed class IgnoresIncarnationsInUnits(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    protected override ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken) =>
        StoreAsync(attempt.Rest.Count == 0 ? attempt : OfAnyIncarnation(attempt, attempt.Rest), cancellationToken);

    private static CommitAttempt OfAnyIncarnation(CommitAttempt attempt, IReadOnlyList<CommitAttempt> rest) =>
        new(attempt.Stream, attempt.CommitId, attempt.Events)
        {
            Expected = attempt.Expected.Revision,
            Headers = attempt.Headers,
            Condition = attempt.Condition,
            Rest = [.. rest.Select(member => OfAnyIncarnation(member, []))],
        };
}
