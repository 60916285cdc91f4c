using System.Collections.Concurrent;
using Xunit;

namespace EventStore.Conformance;

/// <summary>Consumers and dispatch go on after an outage of any length, and lose nothing. Holders that are gone are replaced.</summary>
public abstract class OutageSpecification<TBackend> : ConsumerFacts<TBackend> where TBackend : IBackend, new()
{
    private const int Minute = 60_000;

    [Theory(Timeout = Minute), InlineData(WhenTaken.Fail), InlineData(WhenTaken.Wait), Guarantee("G34", "G49")]
    public async Task A_running_consumer_outlives_an_outage_of_twice_its_term(WhenTaken whenTaken)
    {
        var server = new UnreachableEngine(Engine);
        await using var writing = await Wire().BuildAsync();
        await using var store = await Wire(server).BuildAsync();
        await using var consumer = await store.Consumers.StartAsync(
            "name", ConsumerSource.Everything, See, Quick(options => options.WhenTaken = whenTaken));
        await writing.AppendAsync("stream", "1");
        await UntilAsync(() => Seen.Count == 1);

        await StayAwayAsync(server);
        await writing.AppendAsync("stream", "2");
        await UntilAsync(() => Task.FromResult(Seen.Count == 2), Term / 10);
        Assert.False(consumer.Completion.IsCompleted);
        Assert.Equal(ConsumerState.Running, (await consumer.GetStatusAsync()).State);
        Assert.Equal(["1", "2"], Seen);
    }

    [Fact(Timeout = Minute), Guarantee("G29", "G30", "G49")]
    public async Task After_an_outage_of_twice_the_term_a_commit_is_dispatched_before_it_returns()
    {
        var server = new UnreachableEngine(Engine);
        var bus = new ConcurrentQueue<string>();
        await using var store = await Wire(server)
            .UsingSynchronousDispatchScheduler(options => (options.LeaseTerm, options.PollInterval) = (Term, Term / 10))
            .DispatchTo((Commit commit, CancellationToken _) =>
            {
                bus.Enqueue((string)commit.Events[0].Body);
                return default;
            }).BuildAsync();
        await store.AppendAsync("stream", "1");
        await StayAwayAsync(server);
        for (var i = 2; i <= 4; i++)
        {
            var committing = store.AppendAsync("stream", $"{i}").AsTask();
            await UntilAsync(() => Task.FromResult(committing.IsCompleted), Term / 10);
            await committing;
            Assert.Equal(Enumerable.Range(1, i).Select(number => $"{number}"), bus);
        }

        Assert.True((await store.Dispatch.GetStatusAsync()) is { IsDispatchingHere: true, Failure: null });
    }

    [Fact(Timeout = 2 * Minute), Guarantee("G26", "G32", "G49")]
    public async Task With_one_call_in_three_failing_everything_is_delivered_in_order_and_nothing_ends()
    {
        const int Events = 60;
        var server = new UnreachableEngine(Engine);
        var bus = new ConcurrentQueue<string>();
        await using var writing = await Wire().BuildAsync();
        await using var store = await Wire(server)
            .UsingAsynchronousDispatchScheduler(options => (options.PollInterval, options.FirstRetryDelay) = (Brief, Brief))
            .DispatchTo((CommittedEvent committed, CancellationToken _) =>
            {
                bus.Enqueue((string)committed.Body);
                return default;
            }).BuildAsync();
        server.FailEvery(3);
        await using var consumer = await store.Consumers.StartAsync(
            "name",
            ConsumerSource.Everything,
            new Projection<string>("", (state, committed) => $"{state}{committed.Body},"),
            Quick(options => (options.WhenTaken, options.PollInterval, options.EventsPerCheckpoint) = (WhenTaken.Wait, Brief, 1)));
        await AppendManyAsync(writing, 1, Events);
        await consumer.WaitForAsync(new Checkpoint(Events));
        await UntilAsync(() => bus.Count >= Events);
        server.FailEvery(0);
        Assert.False(consumer.Completion.IsCompleted);
        var all = Enumerable.Range(1, Events).Select(i => $"{i}").ToArray();
        Assert.Equal(string.Concat(all.Select(text => $"{text},")), consumer.State);
        Assert.Equal(all, bus.Distinct());
        await store.Dispatch.WaitUntilDispatchedAsync(TestContext.Current.CancellationToken);
    }

    [Fact(Timeout = Minute), Guarantee("G32", "G49")]
    public async Task A_position_that_cannot_be_written_never_ends_a_consumer_and_is_written_later()
    {
        var disk = new RefusesDocuments(Engine);
        await using var store = await Wire(disk).BuildAsync();
        await using (var consumer = await store.Consumers.StartAsync(
            "name", ConsumerSource.Everything, See, Quick(options => options.EventsPerCheckpoint = 1)))
        {
            disk.Break();
            await AppendManyAsync(store, 1, 5);
            await consumer.WaitUntilCaughtUpAsync();
            await UntilAsync(() => disk.Refused > 1);
            Assert.False(consumer.Completion.IsCompleted);
            disk.Repair();
            await store.AppendAsync("stream", "6");
            await consumer.WaitUntilCaughtUpAsync();
        }

        await using var again = await store.Consumers.StartAsync("name", ConsumerSource.Everything, See, Quick());
        await again.WaitUntilCaughtUpAsync();
        Assert.Equal(["1", "2", "3", "4", "5", "6"], Seen);
    }

    [Fact(Timeout = Minute), Guarantee("G34")]
    public async Task A_consumer_that_ended_without_releasing_its_name_is_replaced_at_once()
    {
        var dying = new ForgetsDocuments(Engine, puts: int.MaxValue);
        await using var first = await Wire(dying).BuildAsync();
        await using var second = await Wire().BuildAsync();
        var started = Time.GetTimestamp();
        var holder = await first.Consumers.StartAsync("name", ConsumerSource.Everything, See, Quick());
        dying.StopTaking();
        await holder.DisposeAsync();
        await using var next = await second.Consumers.StartAsync("name", ConsumerSource.Everything, See, Quick());
        await second.AppendAsync("stream", "1");
        await next.WaitUntilCaughtUpAsync();
        Assert.Equal(["1"], Seen);
        Assert.True(Time.GetElapsedTime(started) < Term, "a term was waited for a holder that was known to be gone");
    }

    [Fact(Timeout = Minute), Guarantee("G29", "G30")]
    public async Task After_a_dispatcher_that_ended_without_releasing_its_lease_a_commit_is_dispatched_before_it_returns()
    {
        var bus = new ConcurrentQueue<string>();
        var dying = new ForgetsDocuments(Engine, puts: int.MaxValue);
        await using (var first = await WireBus(dying, bus).BuildAsync())
        {
            await first.AppendAsync("stream", "1");
            dying.StopTaking();
        }

        await using var second = await WireBus(Engine, bus).BuildAsync();
        await second.AppendAsync("stream", "2");
        Assert.Equal("2", bus.Last());
    }

    [Fact(Timeout = Minute), Guarantee("G34")]
    public async Task A_start_that_does_not_wait_fails_at_once_while_this_process_runs_the_consumer()
    {
        await using var first = await Wire().BuildAsync();
        await using var second = await Wire().BuildAsync();
        await using var holder = await first.Consumers.StartAsync("name", ConsumerSource.Everything, See, Quick());
        var started = Time.GetTimestamp();
        await Assert.ThrowsAsync<ConsumerTakenException>(
            async () => await second.Consumers.StartAsync("name", ConsumerSource.Everything, See, Quick()));
        Assert.True(Time.GetElapsedTime(started) < Term / 3, "a holder of the same process was watched until it renewed its lease");
    }

    private static TimeSpan Brief { get; } = TimeSpan.FromMilliseconds(5);

    private Wireup WireBus(IPersistenceEngine engine, ConcurrentQueue<string> bus) => Wire(engine)
        .UsingSynchronousDispatchScheduler(options => (options.LeaseTerm, options.PollInterval) = (Term, Brief))
        .DispatchTo((Commit commit, CancellationToken _) =>
        {
            bus.Enqueue((string)commit.Events[0].Body);
            return default;
        });

    // Two terms pass in steps. In each one the holder tries to renew its lease, and fails.
    private async Task StayAwayAsync(UnreachableEngine server)
    {
        const int Steps = 8;
        server.GoAway();
        for (var step = 0; step < Steps; step++)
        {
            var refused = server.Refused;
            Time.Advance(2 * Term / Steps);
            await UntilAsync(() => Task.FromResult(server.Refused > refused + 1), Term / 20);
        }

        server.ComeBack();
    }
}
