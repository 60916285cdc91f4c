using System.Diagnostics.CodeAnalysis;
using EventStore.Conformance;

namespace EventStore.Tests;

/// <summary>Closing a store while code of the application runs in it.</summary>
public sealed class ClosingTests
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(100);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 60_000)]
    [InlineData("consumer", true), InlineData("dispatcher", true), InlineData("consumer", false), InlineData("dispatcher", false)]
    public async Task A_store_that_was_not_closed_in_time_is_closed_by_a_later_call_and_its_leases_are_free(string what, bool isClosedAgain)
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
        if (isClosedAgain) await store.DisposeAsync();

        var again = new TaskCompletionSource();
        await using var next = await BuildAsync(engine, what, () =>
        {
            again.TrySetResult();
            return Task.CompletedTask;
        });
        await next.AppendAsync("stream", "x");
        await again.Task;
        await store.DisposeAsync();
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
        var wireup = Wireup.Init().UsingPersistence("the test", _ => new EndsWithItsStore(engine))
            .UsingJsonSerialization(types => types.Register<string>("text"));
        if (what == "dispatcher")
            return await wireup.DispatchTo(async (Commit _, CancellationToken _) => await handle())
                .UsingAsynchronousDispatchScheduler(options => (options.StopTimeout, options.LeaseTerm) = (Short, TimeSpan.FromHours(1)))
                .BuildAsync(Token);
        var store = await wireup.BuildAsync(Token);
        await store.Consumers.StartAsync(
            "name",
            ConsumerSource.Everything,
            async (_, _) => await handle(),
            new ConsumerOptions { StopTimeout = Short, LeaseTerm = TimeSpan.FromHours(1), WhenTaken = WhenTaken.Wait },
            Token);
        return store;
    }

    // What it stores remains, as on a disk.
    private sealed class EndsWithItsStore(IPersistenceEngine inner) : DelegatingEngine(inner)
    {
        private volatile bool isDisposed;

        public override ValueTask<NamedDocument?> FindDocumentAsync(string name, CancellationToken cancellationToken = default)
        {
            ObjectDisposedException.ThrowIf(isDisposed, this);
            return base.FindDocumentAsync(name, cancellationToken);
        }

        public override ValueTask<long?> PutDocumentAsync(
            string name, ReadOnlyMemory<byte> content, long expectedVersion, CancellationToken cancellationToken = default)
        {
            ObjectDisposedException.ThrowIf(isDisposed, this);
            return base.PutDocumentAsync(name, content, expectedVersion, cancellationToken);
        }

        [SuppressMessage("Usage", "CA2215", Justification = "The engine below is opened again.")]
        public override ValueTask DisposeAsync()
        {
            isDisposed = true;
            return default;
        }
    }

    private static IPersistenceEngine OpenInMemory() => new EngineCatalogue().AddInMemory().Create("memory:", EngineContext.Default);
}
