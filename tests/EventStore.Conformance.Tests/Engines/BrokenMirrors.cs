namespace EventStore.Conformance.Tests.Engines;

/// <summary>Passes over checkpoints only when something is stored after them (G58).</summary>
[CaughtBy(typeof(MirrorSpecification<>), nameof(MirrorSpecification<>.A_mirror_equals_its_source_in_every_event_checkpoint_and_head))]
internal sealed class SkipsAtTheNextCommit(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    private Checkpoint skipped;

    public override ValueTask SkipCheckpointsAsync(Checkpoint upTo, CancellationToken cancellationToken = default)
    {
        skipped = upTo;
        return default;
    }

    public override async ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
    {
        if (skipped != Checkpoint.Origin) await Inner.SkipCheckpointsAsync(skipped, cancellationToken);
        skipped = Checkpoint.Origin;
        return await Inner.CommitAsync(attempts, cancellationToken);
    }
}

/// <summary>Says that it sealed a stream, and did not (G56, G58).</summary>
[CaughtBy(typeof(MirrorSpecification<>), nameof(MirrorSpecification<>.A_mirror_equals_its_source_in_every_event_checkpoint_and_head))]
internal sealed class LosesTheFirstSeal(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    private int count;

    public override async ValueTask<StreamChange> SealStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        Interlocked.Increment(ref count) > 1
            ? await Inner.SealStreamAsync(stream, expected, cancellationToken)
            : new StreamChange(StreamChangeKind.Changed, StreamState.Of(await Inner.FindHeadAsync(stream, cancellationToken)));
}

/// <summary>Stores a repeated import again, under new ids (G7, G58).</summary>
[CaughtBy(typeof(ImportingSpecification<>), nameof(ImportingSpecification<>.A_merge_that_is_killed_at_every_step_stores_every_commit_once))]
internal sealed class StoresRepetitionsOfImportsAgain(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    protected override async ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken)
    {
        var outcome = await StoreAsync(attempt, cancellationToken);
        if (outcome.Kind != CommitOutcomeKind.Duplicate || attempt.Stamp is null) return outcome;
        return await StoreAsync(UnderNewId(attempt), cancellationToken);
    }
}

/// <summary>Leaves the headers of imported commits out (G10, G58).</summary>
[CaughtBy(
    typeof(ImportingSpecification<>),
    nameof(ImportingSpecification<>.A_stamp_that_would_decrease_is_raised_and_the_original_kept_in_a_header))]
internal sealed class DropsHeadersOfImports(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    protected override ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken) => StoreAsync(
        attempt.Stamp is null
            ? attempt
            : new CommitAttempt(attempt.Stream, attempt.CommitId, attempt.Events) { Stamp = attempt.Stamp, Rest = attempt.Rest },
        cancellationToken);
}

/// <summary>Acknowledges every hundredth imported commit without storing it (G58).</summary>
[CaughtBy(typeof(ImportingSpecification<>), nameof(ImportingSpecification<>.A_merge_beside_a_live_writer_loses_and_doubles_nothing))]
internal sealed class LosesSomeImports(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    private int count;

    protected override async ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken) =>
        attempt.Stamp is not null && Interlocked.Increment(ref count) % 100 == 0
            ? CommitOutcome.Committed(Imagine(attempt, Revision.None, Checkpoint.Origin))
            : await StoreAsync(attempt, cancellationToken);
}
