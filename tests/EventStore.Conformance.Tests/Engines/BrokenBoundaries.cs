namespace EventStore.Conformance.Tests.Engines;

/// <summary>Loses the tags of events when they are read, as an engine does whose tags are only an index (G51).</summary>
[CaughtBy(
    typeof(TagSpecification<>), nameof(TagSpecification<>.Tags_come_back_in_order_on_every_read_path_and_after_reopening))]
internal sealed class LosesTags(IPersistenceEngine inner) : ChangesWhatIsRead(inner)
{
    protected override EventRecord Change(EventRecord record) =>
        new(record.EventId, record.EventType, record.Body, record.Headers);
}

/// <summary>Finds criteria in every bucket, as an index of tags alone does (G51).</summary>
[CaughtBy(typeof(TagSpecification<>), nameof(TagSpecification<>.Tags_that_differ_only_in_form_are_different_and_belong_to_their_bucket))]
internal sealed class FindsTagsInEveryBucket(IPersistenceEngine inner) : ShowsAnotherLog(inner)
{
    public override ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default) =>
        base.ReadAllAsync(read.Filter.Criteria is null ? read : read with { Filter = EventFilter.Everything }, cancellationToken);

    protected override IEnumerable<RecordedEvent> Show(IReadOnlyList<RecordedEvent> stored) => stored;
}

/// <summary>Stores although the condition does not hold (G52).</summary>
[CaughtBy(
    typeof(ConditionSpecification<>), nameof(ConditionSpecification<>.A_condition_is_decided_by_what_is_stored_after_its_checkpoint))]
[CaughtBy(
    typeof(DecisionSpecification<>),
    nameof(DecisionSpecification<>.A_condition_refuses_what_the_decision_did_not_see_and_nothing_that_it_saw))]
internal sealed class IgnoresConditions(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    protected override ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken) =>
        StoreAsync(Without(attempt), cancellationToken);

    private static CommitAttempt Without(CommitAttempt attempt) => new(attempt.Stream, attempt.CommitId, attempt.Events)
    {
        Expected = attempt.Expected,
        Headers = attempt.Headers,
        Rest = attempt.Rest,
        Stamp = attempt.Stamp,
    };
}

/// <summary>Decides a condition on what is left, although events after its checkpoint were removed (G52).</summary>
[CaughtBy(
    typeof(ConditionSpecification<>),
    nameof(ConditionSpecification<>.A_condition_on_what_was_removed_meanwhile_is_refused_with_the_checkpoint))]
internal sealed class ForgetsWhatWasRemoved(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    protected override async ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken)
    {
        var outcome = await StoreAsync(attempt, cancellationToken);
        if (outcome.Kind != CommitOutcomeKind.ConditionOutdated) return outcome;
        return await StoreAsync(new CommitAttempt(attempt.Stream, attempt.CommitId, attempt.Events), cancellationToken);
    }
}

/// <summary>Stores the commits of a unit one after another, and stops at the first that is refused (G54).</summary>
[CaughtBy(typeof(UnitSpecification<>), nameof(UnitSpecification<>.The_commits_of_a_unit_are_consecutive_and_belong_together))]
[CaughtBy(typeof(UnitSpecification<>), nameof(UnitSpecification<>.One_refusal_refuses_all_and_names_the_stream))]
internal sealed class TearsUnits(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    protected override async ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken)
    {
        if (attempt.Rest.Count == 0) return await StoreAsync(attempt, cancellationToken);
        var first = new CommitAttempt(attempt.Stream, attempt.CommitId, attempt.Events) { Expected = attempt.Expected };
        var outcome = await StoreAsync(first, cancellationToken);
        var rest = new List<CommitRecord>();
        foreach (var member in attempt.Rest)
        {
            if (outcome.Kind != CommitOutcomeKind.Committed) return outcome;
            outcome = await StoreAsync(member, cancellationToken);
            if (outcome.Commit is { } commit) rest.Add(commit);
        }

        return CommitOutcome.Committed((await Inner.FindCommitAsync(attempt.Stream, attempt.CommitId, cancellationToken))!, rest);
    }
}

/// <summary>Takes a commit id that is known in one of the streams for the whole unit (G54).</summary>
[CaughtBy(typeof(UnitSpecification<>), nameof(UnitSpecification<>.A_unit_is_a_duplicate_only_of_itself_and_any_mix_is_a_reused_id))]
internal sealed class TakesAnyMemberForTheUnit(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    protected override async ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken)
    {
        var outcome = await StoreAsync(attempt, cancellationToken);
        return outcome.Kind == CommitOutcomeKind.Reused ? CommitOutcome.Duplicate(outcome.Commit!) : outcome;
    }
}

/// <summary>Reports a truncation that removes nothing (G55).</summary>
[CaughtBy(typeof(TruncationSpecification<>), nameof(TruncationSpecification<>.Events_below_a_revision_are_gone_from_every_read_path))]
internal sealed class TruncatesNothing(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<StreamChange> TruncateStreamAsync(
        StreamId stream, Revision before, StreamExpectation expected, CancellationToken cancellationToken = default)
    {
        var state = StreamState.Of(await Inner.FindHeadAsync(stream, cancellationToken));
        var kind = !state.Exists ? StreamChangeKind.Missing
            : before > state.FirstRevision ? StreamChangeKind.Changed : StreamChangeKind.Unchanged;
        return new StreamChange(kind, state with { FirstRevision = before });
    }
}

/// <summary>Truncates whatever the stream is (G5, G55).</summary>
[CaughtBy(
    typeof(TruncationSpecification<>), nameof(TruncationSpecification<>.A_truncation_is_refused_where_the_stream_is_not_as_expected))]
internal sealed class TruncatesUnasked(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override ValueTask<StreamChange> TruncateStreamAsync(
        StreamId stream, Revision before, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        Inner.TruncateStreamAsync(stream, before, StreamExpectation.Any, cancellationToken);
}

/// <summary>Reports a seal that refuses nothing (G56).</summary>
[CaughtBy(typeof(StreamLifeSpecification<>), nameof(StreamLifeSpecification<>.A_sealed_stream_refuses_commits_and_stays_readable))]
internal sealed class SealsNothing(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<StreamChange> SealStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default)
    {
        var state = StreamState.Of(await Inner.FindHeadAsync(stream, cancellationToken));
        return new StreamChange(state.Exists ? StreamChangeKind.Changed : StreamChangeKind.Missing, state with { IsSealed = true });
    }
}

/// <summary>Returns one incarnation for all streams of a name (G5, G46).</summary>
[CaughtBy(
    typeof(StreamLifeSpecification<>),
    nameof(StreamLifeSpecification<>.A_stream_created_again_has_another_incarnation_on_every_read_path))]
internal sealed class ForgetsIncarnations(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default)
    {
        var page = await Inner.ReadStreamAsync(read, cancellationToken);
        return page with { State = page.State with { Incarnation = new Checkpoint(1) } };
    }
}

/// <summary>Gives imported commits its own stamps (G58).</summary>
[CaughtBy(typeof(ImportSpecification<>), nameof(ImportSpecification<>.Given_stamps_are_kept_to_the_microsecond_and_never_decrease))]
internal sealed class StampsImports(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    protected override ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken) =>
        StoreAsync(
            new CommitAttempt(attempt.Stream, attempt.CommitId, attempt.Events) { Expected = attempt.Expected, Headers = attempt.Headers },
            cancellationToken);
}

/// <summary>Lets a second import take the storage over (G58).</summary>
[CaughtBy(
    typeof(ImportSpecification<>), nameof(ImportSpecification<>.A_held_storage_accepts_commits_of_the_import_alone_also_after_reopening))]
internal sealed class HoldsForEveryImport(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    private string? held;

    public override async ValueTask HoldAsync(string holder, CancellationToken cancellationToken = default)
    {
        if (held is { } earlier) await Inner.ReleaseAsync(earlier, cancellationToken);
        await Inner.HoldAsync(holder, cancellationToken);
        held = holder;
    }
}
