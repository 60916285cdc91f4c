using Xunit;

namespace EventStore.Conformance;

/// <summary>How consumers end, also from inside and all at once; what is known about them then; and when their name is free.</summary>
public abstract class ConsumerLifeSpecification<TBackend> : ConsumerFacts<TBackend> where TBackend : IBackend, new()
{
    private const int Minute = 60_000;

    [Theory(Timeout = Minute), InlineData(1), InlineData(4), Guarantee("G37")]
    public async Task A_handler_may_stop_its_own_consumer_which_continues_after_the_event_when_it_is_started_again(int parallelism)
    {
        await using var store = await Wire().BuildAsync();
        var (self, called) = (new TaskCompletionSource<IConsumer>(), new TaskCompletionSource());
        var consumer = await store.Consumers.StartAsync("name", ConsumerSource.Everything, async (committed, token) =>
        {
            await See(committed, token);
            await Nested(async () => await (await self.Task).DisposeAsync());
            called.TrySetResult();
        }, Quick(options => options.Parallelism = parallelism));
        self.SetResult(consumer);
        await AppendManyAsync(store, 1, 3);
        await called.Task;
        await consumer.DisposeAsync();
        Assert.True(consumer.Completion.IsCompletedSuccessfully);

        await using var again = await store.Consumers.StartAsync("name", ConsumerSource.Everything, See, Quick());
        await again.WaitUntilCaughtUpAsync();
        Assert.Equal(["1", "2", "3"], Seen);
    }

    [Fact(Timeout = Minute), Guarantee("G37")]
    public async Task A_handler_may_pause_its_own_consumer()
    {
        await using var store = await Wire().BuildAsync();
        var (self, called) = (new TaskCompletionSource<IConsumer>(), new TaskCompletionSource());
        await using var consumer = await store.Consumers.StartAsync("name", ConsumerSource.Everything, async (committed, token) =>
        {
            await See(committed, token);
            if (Seen.Count > 1) return;
            await Nested(async () => await (await self.Task).PauseAsync(token));
            called.TrySetResult();
        }, Quick());
        self.SetResult(consumer);
        await AppendManyAsync(store, 1, 3);
        await called.Task;
        await consumer.PauseAsync();
        Assert.Equal((ConsumerState.Paused, 2L), (await consumer.GetStatusAsync()) switch { var status => (status.State, status.Lag) });
        Assert.Equal(["1"], Seen);
        consumer.Resume();
        await consumer.WaitUntilCaughtUpAsync();
        Assert.Equal(["1", "2", "3"], Seen);
    }

    [Theory(Timeout = Minute)]
    [InlineData("wait"), InlineData("caught up"), InlineData("replay"), InlineData("close"), InlineData("delete")]
    [Guarantee("G37")]
    public async Task What_would_wait_for_the_handler_that_calls_it_is_refused_at_once(string what)
    {
        await using var store = await Wire().BuildAsync();
        var self = new TaskCompletionSource<IConsumer>();
        var refused = new TaskCompletionSource<Exception?>();
        await using var consumer = await store.Consumers.StartAsync("name", ConsumerSource.Everything, async (committed, _) =>
            refused.TrySetResult(await Record.ExceptionAsync(() => Nested(async () =>
            {
                var own = await self.Task;
                await (what switch
                {
                    "wait" => own.WaitForAsync(committed.Checkpoint).AsTask(),
                    "caught up" => own.WaitUntilCaughtUpAsync().AsTask(),
                    "replay" => own.ReplayParkedAsync().AsTask(),
                    "close" => store.DisposeAsync().AsTask(),
                    _ => store.Consumers.DeleteAsync("name").AsTask(),
                });
            }))), Quick());
        self.SetResult(consumer);
        await store.AppendAsync("stream", "1");
        var error = await refused.Task;
        if (what == "delete") Assert.IsType<ConsumerTakenException>(error);
        else
        {
            Assert.Equal(
                what switch
                {
                    "wait" => "IConsumer.WaitForAsync",
                    "caught up" => "IConsumer.WaitUntilCaughtUpAsync",
                    "replay" => "IConsumer.ReplayParkedAsync",
                    _ => "IEventStore.DisposeAsync",
                },
                Assert.IsType<CalledFromInsideException>(error).Member);
        }

        // Nothing was changed by it.
        await consumer.WaitUntilCaughtUpAsync();
        Assert.Equal(ConsumerState.Running, (await consumer.GetStatusAsync()).State);
    }

    [Fact(Timeout = Minute), Guarantee("G37")]
    public async Task Work_that_a_handler_leaves_behind_may_wait_for_its_event()
    {
        await using var store = await Wire().BuildAsync();
        var (self, left) = (new TaskCompletionSource<IConsumer>(), new TaskCompletionSource<Task>());
        var returned = new TaskCompletionSource();
        await using var consumer = await store.Consumers.StartAsync("name", ConsumerSource.Everything, (committed, _) =>
        {
            left.TrySetResult(Task.Run(async () =>
            {
                await returned.Task;
                await (await self.Task).WaitForAsync(new Checkpoint(committed.Checkpoint.Value + 1));
            }, CancellationToken.None));
            return default;
        }, Quick());
        self.SetResult(consumer);
        await store.AppendAsync("stream", "1");
        await consumer.WaitForAsync(new Checkpoint(1));
        returned.SetResult();
        await store.AppendAsync("stream", "2");
        await await left.Task;
    }

    [Theory(Timeout = Minute), InlineData("wait"), InlineData("close"), Guarantee("G30", "G37")]
    public async Task What_would_wait_for_the_dispatcher_that_calls_it_is_refused_at_once(string what)
    {
        var self = new TaskCompletionSource<IEventStore>();
        var refused = new TaskCompletionSource<Exception?>();
        await using var store = await Wire().UsingAsynchronousDispatchScheduler().DispatchTo(async (Commit _, CancellationToken token) =>
            refused.TrySetResult(await Record.ExceptionAsync(() => Nested(async () =>
            {
                var own = await self.Task;
                await (what == "wait" ? own.Dispatch.WaitUntilDispatchedAsync(token).AsTask() : own.DisposeAsync().AsTask());
            })))).BuildAsync();
        self.SetResult(store);
        await store.AppendAsync("stream", "1");
        Assert.IsType<CalledFromInsideException>(await refused.Task);
        await store.Dispatch.WaitUntilDispatchedAsync(TestContext.Current.CancellationToken);
    }

    [Fact(Timeout = Minute), Guarantee("G32", "G48")]
    public async Task A_consumer_and_its_store_closed_at_the_same_time_wait_for_one_another_and_no_event_comes_again()
    {
        const int Events = 20;
        var store = await Wire().BuildAsync();
        await AppendManyAsync(store, 1, Events);
        var (reached, held) = (new TaskCompletionSource(), new TaskCompletionSource());
        var consumer = await store.Consumers.StartAsync("name", ConsumerSource.Everything, async (committed, token) =>
        {
            await See(committed, token);
            if (Seen.Count < Events) return;
            reached.SetResult();
            await held.Task;
        }, Quick(options => (options.EventsPerCheckpoint, options.CheckpointInterval) = (1000, TimeSpan.FromHours(1))));
        await reached.Task;
        Task[] ending = [consumer.DisposeAsync().AsTask(), store.DisposeAsync().AsTask(), consumer.DisposeAsync().AsTask(),
            store.DisposeAsync().AsTask()];
        Assert.DoesNotContain(ending, end => end.IsCompleted);
        held.SetResult();
        await Task.WhenAll(ending);

        await using var later = await Wire().BuildAsync();
        await using var again = await later.Consumers.StartAsync("name", ConsumerSource.Everything, See, Quick());
        await again.WaitUntilCaughtUpAsync();
        Assert.Equal(Events, Seen.Count);
    }

    [Fact(Timeout = Minute), Guarantee("G48")]
    public async Task A_store_closed_twice_at_once_is_closed_when_either_returns()
    {
        var held = new HoldsBack(Engine);
        var store = await Wire(held).BuildAsync();
        var committing = store.AppendAsync("stream", "1").AsTask();
        await held.Reached;
        Task[] ending = [store.DisposeAsync().AsTask(), store.DisposeAsync().AsTask()];
        Assert.DoesNotContain(ending, end => end.IsCompleted);
        held.Release();
        await Task.WhenAll(ending);
        await committing;
    }

    [Fact(Timeout = Minute), Guarantee("G34", "G37")]
    public async Task A_consumer_that_failed_gives_its_name_free_and_shows_that_it_failed()
    {
        await using var store = await Wire().BuildAsync();
        await store.AppendAsync("stream", "1");
        var failed = await store.Consumers.StartAsync(
            "name",
            ConsumerSource.Everything,
            (_, _) => throw new InvalidOperationException("handler"),
            Quick(options => options.MaxRetries = 0));
        await Assert.ThrowsAsync<ConsumerStoppedException>(() => failed.Completion);
        await using var next = await store.Consumers.StartAsync("name", ConsumerSource.Everything, See, Quick());
        await next.WaitUntilCaughtUpAsync();
        await store.AppendAsync("stream", "2");
        await next.WaitUntilCaughtUpAsync();
        Assert.Equal(ConsumerState.Faulted, (await failed.GetStatusAsync()).State);
        await failed.DisposeAsync();
        Assert.Equal(["1", "2"], Seen);
        await store.AppendAsync("stream", "3");
        await next.WaitUntilCaughtUpAsync();
    }

    [Fact(Timeout = Minute), Guarantee("G34")]
    public async Task A_second_consumer_of_one_store_waits_if_asked_and_takes_over()
    {
        await using var store = await Wire().BuildAsync();
        var first = await store.Consumers.StartAsync("name", ConsumerSource.Everything, See, Quick());
        await using var second = await store.Consumers.StartAsync(
            "name", ConsumerSource.Everything, See, Quick(options => options.WhenTaken = WhenTaken.Wait));
        await store.AppendAsync("stream", "1");
        await first.WaitUntilCaughtUpAsync();
        Assert.Equal(ConsumerState.Waiting, (await second.GetStatusAsync()).State);
        await first.DisposeAsync();
        await store.AppendAsync("stream", "2");
        await second.WaitForAsync(new Checkpoint(2));
        Assert.Equal(["1", "2"], Seen);
    }

    [Theory(Timeout = Minute), InlineData("all"), InlineData("stream"), InlineData("links"), Guarantee("G37")]
    public async Task Lag_is_what_lies_behind_the_position_now_also_while_stuck_paused_failed_and_stopped(string source)
    {
        await using var store = await Wire().BuildAsync();
        await store.ReadStreams.CreateAsync("links", EventPredicate.StreamIds("stream"));
        await AppendManyAsync(store, 1, 3);
        var (reached, held) = (new TaskCompletionSource(), new TaskCompletionSource());
        var consumer = await store.Consumers.StartAsync("name", source switch
        {
            "all" => ConsumerSource.Everything,
            "stream" => ConsumerSource.OfStream("stream"),
            _ => ConsumerSource.OfReadStream("links"),
        }, async (committed, _) =>
        {
            if ((string)committed.Body != "2") return;
            reached.TrySetResult();
            await held.Task;
            throw new InvalidOperationException("handler");
        }, Quick(options => options.MaxRetries = 0));
        await reached.Task;
        Assert.Equal(2, await LagAsync());
        await AppendManyAsync(store, 4, 10);
        Assert.Equal(12, await LagAsync());
        var pausing = consumer.PauseAsync().AsTask();
        await AppendManyAsync(store, 14, 10);
        Assert.Equal(22, await LagAsync());
        consumer.Resume();
        held.SetResult();
        await Assert.ThrowsAsync<ConsumerStoppedException>(() => consumer.Completion);
        await pausing;
        await AppendManyAsync(store, 24, 10);
        Assert.Equal(32, await LagAsync());
        await consumer.DisposeAsync();
        await AppendManyAsync(store, 34, 10);
        Assert.Equal(42, await LagAsync());

        async Task<long> LagAsync() => (await consumer.GetStatusAsync()).Lag;
    }

    [Fact(Timeout = Minute), Guarantee("G37")]
    public async Task A_handler_that_ignores_its_token_is_waited_for_within_limits_and_reported()
    {
        var (reached, held) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var store = await Wire().BuildAsync();
        var consumer = await store.Consumers.StartAsync("name", ConsumerSource.Everything, async (_, _) =>
        {
            reached.SetResult();
            await held.Task;
        }, Quick(options => options.StopTimeout = TimeSpan.FromHours(1)));
        await store.AppendAsync("stream", "1");
        await reached.Task;
        var ending = consumer.DisposeAsync().AsTask();
        await UntilAsync(() => Task.FromResult(ending.IsCompleted), TimeSpan.FromMinutes(20));
        await Assert.ThrowsAsync<NotStoppedException>(() => ending);
        held.SetResult();
        await consumer.Completion;
        Assert.True(await store.Consumers.DeleteAsync("name"));

        // It has ended meanwhile, so that nothing is left to report.
        await consumer.DisposeAsync();
    }

    // As an application calls: through methods of its own, and after awaits.
    private static async Task Nested(Func<Task> call)
    {
        await Task.Yield();
        await Task.Run(call);
    }
}
