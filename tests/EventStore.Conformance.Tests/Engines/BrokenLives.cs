using System.Collections.Concurrent;

namespace EventStore.Conformance.Tests.Engines;

/// <summary>For engines that keep seals by themselves.</summary>
internal abstract class KeepsSeals(IPersistenceEngine inner) : ShowsOtherStates(inner)
{
    protected ConcurrentDictionary<StreamId, bool> Seals { get; } = [];

    public override async ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
    {
        var outcomes = new List<CommitOutcome>();
        foreach (var attempt in attempts)
        {
            var isKnown = await Inner.FindCommitAsync(attempt.Stream, attempt.CommitId, cancellationToken) is not null;
            if (Seals.ContainsKey(attempt.Stream) && !isKnown)
                outcomes.Add(CommitOutcome.Sealed(StreamState.Of(await FindHeadAsync(attempt.Stream, cancellationToken))));
            else outcomes.AddRange(await Inner.CommitAsync([attempt], cancellationToken));
        }

        return outcomes;
    }

    public override async ValueTask<StreamChange> SealStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default)
    {
        var state = StreamState.Of(await FindHeadAsync(stream, cancellationToken));
        if (!expected.IsMetBy(state)) return new(StreamChangeKind.Conflict, state);
        if (!state.Exists) return new(StreamChangeKind.Missing, state);
        var kind = Seals.TryAdd(stream, true) ? StreamChangeKind.Changed : StreamChangeKind.Unchanged;
        return new(kind, state with { IsSealed = true });
    }

    protected override StreamState Change(StreamId stream, StreamState state) => state with { IsSealed = Seals.ContainsKey(stream) };
}

/// <summary>Keeps seals in its memory only, so that a restart opens the streams again (G56).</summary>
[CaughtBy(typeof(StreamLifeSpecification<>), nameof(StreamLifeSpecification<>.A_sealed_stream_refuses_commits_and_stays_readable))]
internal sealed class ForgetsSealsWhenClosed(IPersistenceEngine inner) : KeepsSeals(inner)
{
    public override async ValueTask<StreamChange> DeleteStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default)
    {
        var change = await Inner.DeleteStreamAsync(stream, expected, cancellationToken);
        if (change.Kind == StreamChangeKind.Changed) Seals.TryRemove(stream, out _);
        return change;
    }
}

/// <summary>Keeps the seal of a deleted stream, so that it cannot be created again (G46, G56).</summary>
[CaughtBy(
    typeof(StreamLifeSpecification<>),
    nameof(StreamLifeSpecification<>.Sealing_is_refused_without_a_stream_and_where_it_is_not_as_expected_and_deletion_ends_it))]
[CaughtBy(typeof(ModelSpecification<>), nameof(ModelSpecification<>.The_engine_agrees_with_the_model_over_thousands_of_random_operations))]
internal sealed class KeepsSealsOfDeletedStreams(IPersistenceEngine inner) : KeepsSeals(inner);

/// <summary>Compares the revision before it looks for a seal (G56).</summary>
[CaughtBy(typeof(StreamLifeSpecification<>), nameof(StreamLifeSpecification<>.A_sealed_stream_refuses_commits_and_stays_readable))]
internal sealed class ChecksExpectationsBeforeSeals(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    protected override async ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken)
    {
        var outcome = await StoreAsync(attempt, cancellationToken);
        return outcome.Kind == CommitOutcomeKind.Sealed && !attempt.Expected.IsMetBy(outcome.Actual)
            ? CommitOutcome.Conflict(outcome.Actual)
            : outcome;
    }
}

/// <summary>Looks for a seal before the commit id, so that a retry of a stored commit is refused (G7, G56).</summary>
[CaughtBy(typeof(StreamLifeSpecification<>), nameof(StreamLifeSpecification<>.A_sealed_stream_refuses_commits_and_stays_readable))]
internal sealed class ChecksSealsBeforeIds(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    protected override async ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken) =>
        await StateOfAsync(attempt.Stream) is { IsSealed: true } state
            ? CommitOutcome.Sealed(state)
            : await StoreAsync(attempt, cancellationToken);
}

/// <summary>Seals a stream whatever it was expected to be (G5, G56).</summary>
[CaughtBy(
    typeof(StreamLifeSpecification<>),
    nameof(StreamLifeSpecification<>.Sealing_is_refused_without_a_stream_and_where_it_is_not_as_expected_and_deletion_ends_it))]
internal sealed class SealsWhateverIsExpected(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override ValueTask<StreamChange> SealStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        Inner.SealStreamAsync(stream, StreamExpectation.Any, cancellationToken);
}

/// <summary>Makes a sealed stream read-only as a whole, so that it cannot be shortened (G56).</summary>
[CaughtBy(typeof(StreamLifeSpecification<>), nameof(StreamLifeSpecification<>.A_sealed_stream_refuses_commits_and_stays_readable))]
internal sealed class RefusesToTruncateSealedStreams(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<StreamChange> TruncateStreamAsync(
        StreamId stream, Revision before, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        StreamState.Of(await Inner.FindHeadAsync(stream, cancellationToken)) is { IsSealed: true } state
            ? new(StreamChangeKind.Conflict, state)
            : await Inner.TruncateStreamAsync(stream, before, expected, cancellationToken);
}

/// <summary>Shows a stream that was created again with the incarnation of the deleted one (G46).</summary>
[CaughtBy(
    typeof(StreamLifeSpecification<>),
    nameof(StreamLifeSpecification<>.A_stream_created_again_has_another_incarnation_on_every_read_path))]
internal sealed class KeepsIncarnations(IPersistenceEngine inner) : ShowsOtherStates(inner)
{
    private readonly ConcurrentDictionary<StreamId, Checkpoint> first = [];

    protected override StreamState Change(StreamId stream, StreamState state) =>
        state with { Incarnation = first.GetOrAdd(stream, state.Incarnation) };
}

/// <summary>Compares the expected revision alone, so that a commit meant for a deleted stream is stored in another (G5, G46).</summary>
[CaughtBy(
    typeof(StreamLifeSpecification<>),
    nameof(StreamLifeSpecification<>.A_stream_created_again_has_another_incarnation_on_every_read_path))]
internal sealed class ComparesRevisionsAlone(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    protected override ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken) =>
        StoreAsync(Expecting(attempt, attempt.Expected.Revision), cancellationToken);
}

/// <summary>Deletes a stream whatever it was expected to be (G5, G46).</summary>
[CaughtBy(typeof(StreamLifeSpecification<>), nameof(StreamLifeSpecification<>.A_stream_is_deleted_only_as_expected))]
[CaughtBy(typeof(ModelSpecification<>), nameof(ModelSpecification<>.The_engine_agrees_with_the_model_over_thousands_of_random_operations))]
internal sealed class DeletesWhateverIsExpected(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override ValueTask<StreamChange> DeleteStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        Inner.DeleteStreamAsync(stream, StreamExpectation.Any, cancellationToken);
}
