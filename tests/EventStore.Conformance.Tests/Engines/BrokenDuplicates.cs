namespace EventStore.Conformance.Tests.Engines;

/// <summary>Stores a repeated commit again, as a store without commit ids does when a client retries (G7).</summary>
[CaughtBy(typeof(CommitSpecification<>), nameof(CommitSpecification<>.The_same_commit_id_twice_in_one_batch_is_stored_once))]
[CaughtBy(typeof(PipelineSpecification<>), nameof(PipelineSpecification<>.A_request_that_arrives_after_it_was_looked_for_is_stored_once))]
internal sealed class StoresDuplicates(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    protected override async ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken)
    {
        var outcome = await StoreAsync(attempt, cancellationToken);
        return outcome.Kind == CommitOutcomeKind.Duplicate ? await StoreAsync(UnderNewId(attempt), cancellationToken) : outcome;
    }
}

/// <summary>Knows only the newest commit id of a stream, as a check of the last commit does (G7).</summary>
[CaughtBy(
    typeof(CommitSpecification<>),
    nameof(CommitSpecification<>.A_known_commit_id_returns_the_original_commit_whatever_revision_is_expected))]
[CaughtBy(typeof(ModelSpecification<>), nameof(ModelSpecification<>.The_engine_agrees_with_the_model_over_thousands_of_random_operations))]
internal sealed class ForgetsOlderCommitIds(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    protected override async ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken)
    {
        var outcome = await StoreAsync(attempt, cancellationToken);
        var isNewest = outcome.Commit?.LastRevision == await RevisionOfAsync(attempt.Stream);
        return outcome.Kind == CommitOutcomeKind.Duplicate && !isNewest
            ? await StoreAsync(UnderNewId(attempt), cancellationToken)
            : outcome;
    }
}

/// <summary>Compares the revision before the commit id, so that a retry conflicts with itself (G7).</summary>
[CaughtBy(
    typeof(CommitSpecification<>),
    nameof(CommitSpecification<>.A_known_commit_id_returns_the_original_commit_whatever_revision_is_expected))]
internal sealed class JudgesExpectationsFirst(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    protected override async ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken)
    {
        var head = await StateOfAsync(attempt.Stream);
        return attempt.Expected.IsMetBy(head) ? await StoreAsync(attempt, cancellationToken) : CommitOutcome.Conflict(head);
    }
}

/// <summary>Returns a duplicate with the stream's newest numbers instead of the original's (G7).</summary>
[CaughtBy(
    typeof(CommitSpecification<>),
    nameof(CommitSpecification<>.A_known_commit_id_returns_the_original_commit_whatever_revision_is_expected))]
internal sealed class ReturnsTheHeadForDuplicates(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    protected override async ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken)
    {
        var outcome = await StoreAsync(attempt, cancellationToken);
        return outcome.Kind == CommitOutcomeKind.Duplicate
            ? CommitOutcome.Duplicate(outcome.Commit! with { FirstRevision = await RevisionOfAsync(attempt.Stream) })
            : outcome;
    }
}

/// <summary>Treats a commit id of another stream as known, as one unique key over all streams does (G2, G7).</summary>
[CaughtBy(
    typeof(IdentitySpecification<>),
    nameof(IdentitySpecification<>.The_same_id_in_another_bucket_or_category_is_another_stream_through_every_member))]
internal sealed class SharesCommitIdsAmongStreams(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    private readonly Dictionary<Guid, CommitRecord> known = [];

    protected override async ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken)
    {
        lock (known)
        {
            if (known.TryGetValue(attempt.CommitId, out var original)) return CommitOutcome.Duplicate(original);
        }

        var outcome = await StoreAsync(attempt, cancellationToken);
        lock (known)
        {
            if (outcome.Commit is { } commit) known.TryAdd(attempt.CommitId, commit);
        }

        return outcome;
    }
}

/// <summary>Keeps commit ids in its memory only, so that a retry after a restart is stored again (G7).</summary>
[CaughtBy(typeof(LifecycleSpecification<>), nameof(LifecycleSpecification<>.Stored_data_exists_after_reopening))]
internal sealed class ForgetsCommitIdsWhenClosed(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    private readonly HashSet<Guid> known = [];

    protected override async ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken)
    {
        var outcome = await StoreAsync(attempt, cancellationToken);
        bool isKnown;
        lock (known) isKnown = !known.Add(attempt.CommitId);
        return outcome.Kind == CommitOutcomeKind.Duplicate && !isKnown ? await StoreAsync(UnderNewId(attempt), cancellationToken) : outcome;
    }
}

/// <summary>Still knows the commit ids of a deleted stream, so that the same commit cannot create it again (G46).</summary>
[CaughtBy(typeof(DeletionSpecification<>), nameof(DeletionSpecification<>.The_commit_ids_of_a_deleted_stream_are_deleted_with_it))]
internal sealed class RemembersIdsOfDeletedStreams(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    private readonly Dictionary<(StreamId, Guid), CommitRecord> known = [];

    protected override async ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken)
    {
        lock (known)
        {
            if (known.TryGetValue((attempt.Stream, attempt.CommitId), out var original)) return CommitOutcome.Duplicate(original);
        }

        var outcome = await StoreAsync(attempt, cancellationToken);
        lock (known)
        {
            if (outcome.Commit is { } commit) known.TryAdd((attempt.Stream, attempt.CommitId), commit);
        }

        return outcome;
    }
}
