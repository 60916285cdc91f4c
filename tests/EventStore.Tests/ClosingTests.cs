namespace EventStore.Tests;

/// <summary>Closing a store while code of the application runs in it.</summary>
public sealed class ClosingTests
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(100);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 60_000), InlineData("consumer"), InlineData("dispatcher")]
    public async Task A_store_that_was_not_closed_in_time_is_closed_by_a_later_call_and_its_leases_are_free(string what)
    {
        var engine = OpenInMemory();
        await engine.InitializeAsync(Token);
        var (reached, held) = (new TaskCompletionSource(), new TaskCompletionSource());
        var store = await BuildAsync(engine, what, async () =>
        {
            reached.TrySetResult();
            await held.Task;
        });
        await store.AppendAsync("stream", "x");
        await reached.Task;
        for (var i = 0; i < 2; i++) await Assert.ThrowsAsync<NotStoppedException>(async () => await store.DisposeAsync());
        held.SetResult();
        await store.DisposeAsync();
        await store.DisposeAsync();

        var again = new TaskCompletionSource();
        await using var next = await BuildAsync(engine, what, () =>
        {
            again.TrySetResult();
            return Task.CompletedTask;
        });
        await next.AppendAsync("stream", "x");
        await again.Task;
    }

    [Fact(Timeout = 60_000)]
    public async Task Callers_that_close_a_store_at_once_wait_for_one_end_each_time()
    {
        var (reached, held) = (new TaskCompletionSource(), new TaskCompletionSource());
        var store = await BuildAsync(OpenInMemory(), "consumer", async () =>
        {
            reached.TrySetResult();
            await held.Task;
        });
        await store.AppendAsync("stream", "x");
        await reached.Task;
        var first = Enumerable.Range(0, 4).Select(_ => store.DisposeAsync().AsTask()).ToList();
        foreach (var closing in first) await Assert.ThrowsAsync<NotStoppedException>(() => closing);
        var second = Enumerable.Range(0, 4).Select(_ => store.DisposeAsync().AsTask()).ToList();
        held.SetResult();
        await Task.WhenAll(second);
    }

    private static async Task<IEventStore> BuildAsync(IPersistenceEngine engine, string what, Func<Task> handle)
    {
        var wireup = Wireup.Init().UsingPersistence(engine).UsingJsonSerialization(types => types.Register<string>("text"));
        if (what == "dispatcher")
            return await wireup.DispatchTo(async (Commit _, CancellationToken _) => await handle())
                .UsingAsynchronousDispatchScheduler(options => (options.StopTimeout, options.LeaseTerm) = (Short, TimeSpan.FromHours(1)))
                .BuildAsync(Token);
        var store = await wireup.BuildAsync(Token);
        await store.Consumers.StartAsync(
            "name",
            ConsumerSource.Everything,
            async (_, _) => await handle(),
            new ConsumerOptions { StopTimeout = Short, LeaseTerm = TimeSpan.FromHours(1) },
            Token);
        return store;
    }

    private static IPersistenceEngine OpenInMemory() => new EngineCatalogue().AddInMemory().Create("memory:", EngineContext.Default);
}
