namespace EventStore.Domain.Tests;

/// <summary>Failures by plan are the ones that an application meets, and nothing else fails.</summary>
public sealed class FailingEngineTests : DomainTest
{
    [Fact]
    public async Task A_conflict_meets_what_expects_a_revision_and_no_repeated_commit()
    {
        var id = Guid.NewGuid();
        await Store.AppendAsync(Stream, ExpectedRevision.NoStream, new Deposited(1), id, cancellationToken: Token);
        Engine.FailNext(EngineFailure.Conflict, EngineFailure.Conflict, EngineFailure.Conflict);
        await Assert.ThrowsAsync<ConcurrencyException>(
            async () => await Store.AppendAsync(Stream, ExpectedRevision.Exactly(1), new Deposited(1), Token));
        Assert.True((await Store.AppendAsync(
            Stream, ExpectedRevision.NoStream, new Deposited(1), id, cancellationToken: Token)).IsDuplicate);
        Assert.Equal(2, (await Store.AppendAsync(Stream, new Deposited(1), Token)).LastRevision.Value);
        var condition = new AppendCondition(new EventCriteria(new EventCriterion { Category = "account" }), new Checkpoint(2));
        Engine.FailNext(EngineFailure.Conflict);
        await Assert.ThrowsAsync<AppendConditionException>(async () => await Store.AppendAsync(
            Stream, ExpectedRevision.Any, condition, [new EventMessage(new Deposited(1))], cancellationToken: Token));
        Assert.Equal(4, Engine.Failed);
    }

    [Theory(Timeout = 60_000)]
    [InlineData(EngineFailure.CrashBefore, 0)]
    [InlineData(EngineFailure.CrashAfter, 1)]
    public async Task After_a_crash_nothing_works_until_another_process_opens(EngineFailure crash, int stored)
    {
        Engine.FailNext(crash);
        var dying = Store.AppendAsync(Stream, new Deposited(1), Token).AsTask();
        while (!dying.IsCompleted)
        {
            Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        await Assert.ThrowsAnyAsync<EventStoreException>(() => dying);
        Assert.True(Engine.IsCrashed);
        await Assert.ThrowsAsync<StorageUnavailableException>(async () => await Store.FindHeadAsync(Stream, Token));
        await Assert.ThrowsAsync<StorageUnavailableException>(async () => await Store.AppendAsync(Stream, new Deposited(1), Token));
        await Store.DisposeAsync();
        Engine.Recover();
        var next = await OpenAsync();
        Assert.Equal(stored, (await next.OpenStreamAsync(Stream, cancellationToken: Token)).Revision.Value);
    }

    [Fact(Timeout = 60_000)]
    public async Task Lost_wake_ups_delay_readers_until_they_ask_by_themselves()
    {
        await using var engine = new FailingEngine(
            new EngineCatalogue().AddInMemory().Create("memory:", EngineContext.Default),
            FailurePlan.None with { LosesWakeUps = true },
            Time);
        await engine.InitializeAsync(Token);
        var waiting = engine.WaitForCommitsAsync(Checkpoint.Origin, TimeSpan.FromHours(1), Token).AsTask();
        await engine.CommitAsync([new CommitAttempt("s", Guid.NewGuid(), [new EventRecord(Guid.NewGuid(), "t", default)])], Token);
        Assert.False(waiting.IsCompleted);
        Time.Advance(TimeSpan.FromHours(1));
        await waiting;
    }

    [Fact(Timeout = 60_000)]
    public async Task What_was_dispatched_is_recorded_with_failures_on_request()
    {
        var recorder = new DispatchRecorder();
        recorder.FailNext(new InvalidOperationException("The bus is away."));
        await using var store = await Wireup.Init().UsingInMemoryPersistence()
            .UsingJsonSerialization(types => types.Register<Deposited>("deposited"))
            .UsingAsynchronousDispatchScheduler(options => options.FirstRetryDelay = TimeSpan.FromMilliseconds(1)).DispatchTo(recorder)
            .BuildAsync(Token);
        await store.AppendAsync(Stream, [new Deposited(1), new Deposited(2)], Token);
        await store.AppendAsync(Stream, new Deposited(3), Token);
        Assert.Equal([2, 1], (await recorder.WaitForAsync(2, Token)).Select(commit => commit.Events.Count));
        recorder.RequireEvents(new Deposited(1), new Deposited(2), new Deposited(3));
        var error = Assert.Throws<ScenarioException>(() => recorder.RequireEvents(new Deposited(1)));
        Assert.Contains("\n  + 3: Deposited { Amount = 3 }", error.Message, StringComparison.Ordinal);
    }
}
