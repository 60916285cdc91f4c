namespace EventStore.Conformance.Tests.Engines;

/// <summary>Finds no commit, as an engine that only checks ids while it commits does (G12).</summary>
[CaughtBy(typeof(CommitSpecification<>), nameof(CommitSpecification<>.A_commit_is_found_by_its_id_in_its_stream_alone))]
[CaughtBy(
    typeof(PipelineSpecification<>), nameof(PipelineSpecification<>.A_commit_of_an_unknown_outcome_that_is_found_is_not_sent_again))]
internal sealed class FindsNoCommits(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override ValueTask<CommitRecord?> FindCommitAsync(
        StreamId stream, Guid commitId, CancellationToken cancellationToken = default) => default;
}

/// <summary>Finds a commit under its id in any stream, as an index of ids without streams does (G2, G12).</summary>
[CaughtBy(typeof(CommitSpecification<>), nameof(CommitSpecification<>.A_commit_is_found_by_its_id_in_its_stream_alone))]
internal sealed class FindsCommitsOfOtherStreams(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<CommitRecord?> FindCommitAsync(
        StreamId stream, Guid commitId, CancellationToken cancellationToken = default)
    {
        foreach (var head in await Inner.ListHeadsAsync(new HeadQuery(null, 0, null, int.MaxValue), cancellationToken))
        {
            if (await Inner.FindCommitAsync(head.Stream, commitId, cancellationToken) is { } found) return found;
        }

        return null;
    }
}

/// <summary>Finds the commits of a deleted stream, as an index that deletions leave alone does (G12, G46).</summary>
[CaughtBy(typeof(CommitSpecification<>), nameof(CommitSpecification<>.A_commit_is_found_by_its_id_in_its_stream_alone))]
internal sealed class FindsCommitsOfDeletedStreams(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    private readonly Dictionary<(StreamId, Guid), CommitRecord> known = [];

    protected override async ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken)
    {
        var outcome = await StoreAsync(attempt, cancellationToken);
        lock (known)
        {
            if (outcome.Commit is { } commit) known.TryAdd((attempt.Stream, attempt.CommitId), commit);
        }

        return outcome;
    }

    public override ValueTask<CommitRecord?> FindCommitAsync(StreamId stream, Guid commitId, CancellationToken cancellationToken = default)
    {
        lock (known) return new(known.GetValueOrDefault((stream, commitId)));
    }
}

/// <summary>Finds a commit with the numbers of the stream's newest one (G12).</summary>
[CaughtBy(typeof(CommitSpecification<>), nameof(CommitSpecification<>.A_commit_is_found_by_its_id_in_its_stream_alone))]
internal sealed class FindsTheHeadForACommit(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<CommitRecord?> FindCommitAsync(
        StreamId stream, Guid commitId, CancellationToken cancellationToken = default)
    {
        var head = await Inner.FindHeadAsync(stream, cancellationToken);
        return await Inner.FindCommitAsync(stream, commitId, cancellationToken) is { } found
            ? found with { FirstRevision = head?.Revision ?? Revision.None }
            : null;
    }
}
