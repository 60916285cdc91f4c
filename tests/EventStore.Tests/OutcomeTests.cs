using EventStore.Conformance;

namespace EventStore.Tests;

/// <summary>The message of an unknown outcome says one thing: that it is unknown (G12).</summary>
public sealed class OutcomeTests
{
    [Fact(Timeout = 60_000)]
    public async Task An_outcome_that_stays_unknown_while_the_storage_is_away_never_says_that_nothing_was_stored()
    {
        var engine = new LosesAndLeaves(new EngineCatalogue().AddInMemory().Create("memory:", EngineContext.Default));
        await using var store = await Wireup.Init().UsingPersistence(engine).UsingTimeProvider(new AdjustableTimeProvider())
            .UsingJsonSerialization(types => types.Register<string>("text")).BuildAsync(TestContext.Current.CancellationToken);
        var error = await Assert.ThrowsAsync<CommitOutcomeUnknownException>(async () => await store.AppendAsync("stream", "x"));
        Assert.DoesNotContain("othing was", error.Message, StringComparison.Ordinal);
        Assert.Contains("once or not at all", error.Message, StringComparison.Ordinal);
    }

    [Theory(Timeout = 60_000)]
    [InlineData(EngineFailure.LostAfter)]
    [InlineData(EngineFailure.LostBefore)]
    public async Task A_unit_whose_outcome_was_lost_is_settled_with_all_of_its_commits(EngineFailure lost)
    {
        await using var engine = new FailingEngine(
            new EngineCatalogue().AddInMemory().Create("memory:", EngineContext.Default), FailurePlan.None);
        await using var store = await Wireup.Init().UsingPersistence(engine)
            .UsingJsonSerialization(types => types.Register<string>("text")).BuildAsync(TestContext.Current.CancellationToken);
        engine.FailNext(lost);
        var unit = new CommitUnit().Append("a", ExpectedRevision.NoStream, "a1", "a2").Append("b", ExpectedRevision.NoStream, "b1");
        var result = await store.CommitAsync(unit);
        Assert.Equal((false, 3), (result.IsDuplicate, result.LastCheckpoint.Value));
        Assert.Equal([2, 1], result.Commits.Select(commit => commit.LastRevision.Value));
        Assert.True((await store.CommitAsync(unit)).IsDuplicate);
    }

    /// <summary>Loses the result of the first batch, and is away after that.</summary>
    private sealed class LosesAndLeaves(IPersistenceEngine inner) : DelegatingEngine(inner)
    {
        private int calls;

        public override ValueTask<CommitRecord?> FindCommitAsync(
            StreamId stream, Guid commitId, CancellationToken cancellationToken = default) =>
            throw new StorageUnavailableException("The server could not be reached. Nothing was stored. Try again.");

        public override async ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
            IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
        {
            if (calls++ > 0) throw new StorageUnavailableException("The server could not be reached. Nothing was stored. Try again.");
            await base.CommitAsync(attempts, cancellationToken);
            throw new BatchOutcomeUnknownException("the connection was lost.");
        }
    }
}
