using System.Collections.Concurrent;
using EventStore.Conformance;
using EventStore.Consumers;
using EventStore.Diagnostics;
using EventStore.Feeds;
using EventStore.TestSupport;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStore.Tests;

/// <summary>The cost of several consumers of one process, their metrics, and their internal parts.</summary>
public sealed class ConsumerTests
{
    [Fact(Timeout = 120_000)]
    public async Task Consumers_started_together_read_the_store_about_once()
    {
        const int Consumers = 10, Commits = 100, EventsPerCommit = 500;
        var counting = new CountsReads(new EngineCatalogue().AddInMemory().Create("memory:", EngineContext.Default));
        await using var store = await Wireup.Init().UsingPersistence(counting)
            .UsingJsonSerialization(types => types.Register<string>("text")).BuildAsync();
        for (var i = 0; i < Commits; i++)
            await store.AppendAsync(
                "stream", ExpectedRevision.Any, [.. Enumerable.Range(0, EventsPerCommit).Select(_ => new EventMessage("x"))]);
        counting.Reset();
        await Task.WhenAll(Enumerable.Range(0, Consumers).Select(number => Task.Run(async () =>
        {
            var delivered = 0;
            await using var consumer = await store.Consumers.StartAsync($"{number}", ConsumerSource.Everything, (committed, _) =>
            {
                Assert.Equal(++delivered, committed.Checkpoint.Value);
                return default;
            });
            await consumer.WaitUntilCaughtUpAsync();
            Assert.Equal(Commits * EventsPerCommit, delivered);
        })));

        // Each consumer alone would read as many pages as the store has.
        const int PagesOfStore = (Commits * EventsPerCommit / 512) + 1;
        TestContext.Current.TestOutputHelper?.WriteLine($"{counting.Pages} pages read of {PagesOfStore}");
        Assert.InRange(counting.Pages, PagesOfStore, PagesOfStore * 3);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_consumer_of_a_read_stream_that_is_rebuilt_gets_each_event_once_and_ends_when_it_is_dropped()
    {
        await using var store = await Wireup.Init().UsingInMemoryPersistence()
            .UsingJsonSerialization(types => types.Register<string>("text")).SignReadStreamsWith(new byte[32]).BuildAsync();
        await store.AppendAsync("early", ExpectedRevision.Any, [.. Enumerable.Range(0, 2_500).Select(i => new EventMessage($"early {i}"))]);
        await store.AppendAsync("kept", "1");
        await store.ReadStreams.CreateAsync("texts", EventPredicate.Types("text"));
        var delivered = new ConcurrentQueue<string>();
        await using var consumer = await store.Consumers.StartAsync("reader", ConsumerSource.OfReadStream("texts"), (committed, _) =>
        {
            delivered.Enqueue((string)committed.Body);
            return default;
        });
        await consumer.WaitUntilCaughtUpAsync();
        delivered.Clear();

        await store.DeleteStreamAsync("early");
        await store.ReadStreams.RebuildAsync("texts");
        foreach (var text in (string[])["2", "3", "4"]) await store.AppendAsync("kept", text);
        await consumer.WaitUntilCaughtUpAsync();
        Assert.Equal(["2", "3", "4"], delivered);

        await store.ReadStreams.DropAsync("texts");
        await store.AppendAsync("kept", "5");
        await Assert.ThrowsAsync<ReadStreamException>(() => consumer.Completion);
        Assert.Equal(["2", "3", "4"], delivered);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_consumer_that_begins_after_a_deletion_gets_no_deleted_event_from_shared_pages()
    {
        await using var store = await Wireup.Init().UsingInMemoryPersistence()
            .UsingJsonSerialization(types => types.Register<string>("text")).BuildAsync();
        await store.AppendAsync("deleted", "x");
        await store.AppendAsync("kept", ExpectedRevision.Any, [.. Enumerable.Range(0, 2_000).Select(_ => new EventMessage("y"))]);
        Assert.Equal("deleted", await FirstAsync());
        await store.DeleteStreamAsync("deleted");
        Assert.Equal("kept", await FirstAsync());

        async Task<string> FirstAsync()
        {
            await foreach (var committed in store.Consumers.SubscribeAsync(ConsumerSource.Everything)) return committed.Stream.Id;
            return "";
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task A_stream_created_again_between_two_pages_is_never_mixed_with_events_of_the_old_one()
    {
        const int Events = 1_200, PageEvents = 512;
        await using var store = await Wireup.Init().UsingInMemoryPersistence()
            .UsingJsonSerialization(types => types.Register<string>("text")).BuildAsync();
        await FillAsync("old");
        await using var reading = store.ReadStreamAsync("stream").GetAsyncEnumerator();
        await using var backward = store.ReadStreamAsync(
            "stream", new StreamRange { Direction = ReadDirection.Backward }).GetAsyncEnumerator();
        await using var following = store.Consumers.SubscribeAsync(ConsumerSource.OfStream("stream")).GetAsyncEnumerator();
        foreach (var begun in (IAsyncEnumerator<CommittedEvent>[])[reading, backward, following]) Assert.True(await begun.MoveNextAsync());
        await store.DeleteStreamAsync("stream");
        await FillAsync("new");

        foreach (var begun in (IAsyncEnumerator<CommittedEvent>[])[reading, backward])
        {
            for (var i = 1; i < PageEvents; i++) Assert.True(await begun.MoveNextAsync() && (string)begun.Current.Body == "old");
            await Assert.ThrowsAsync<ReadInterruptedException>(async () => await begun.MoveNextAsync());
        }

        for (var i = 1; i < PageEvents; i++) Assert.True(await following.MoveNextAsync() && (string)following.Current.Body == "old");
        for (var i = 1; i <= Events; i++)
            Assert.True(
                await following.MoveNextAsync() && following.Current.Revision.Value == i && (string)following.Current.Body == "new");

        async Task FillAsync(string text) =>
            await store.AppendAsync("stream", ExpectedRevision.Any, [.. Enumerable.Range(0, Events).Select(_ => new EventMessage(text))]);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_callback_that_throws_is_logged_and_the_consumer_goes_on()
    {
        using var log = new LogLines();
        await using var store = await Wireup.Init().UsingInMemoryPersistence().UsingLoggerFactory(log)
            .UsingJsonSerialization(types => types.Register<string>("text")).BuildAsync();
        var (idle, calls) = (new SemaphoreSlim(0), 0);
        await using var consumer = await store.Consumers.StartAsync(
            "called back",
            ConsumerSource.Everything,
            (_, _) => default,
            new ConsumerOptions
            {
                EventsPerCheckpoint = 1,
                OnCaughtUp = () => throw new OperationCanceledException("of its own"),
                OnPersisted = _ => throw new InvalidOperationException("of its own"),
                OnIdle = () =>
                {
                    idle.Release();
                    throw new InvalidOperationException($"of its own {++calls}");
                },
            });
        await idle.WaitAsync();
        for (var i = 0; i < 3; i++)
        {
            await store.AppendAsync("stream", "x");
            await idle.WaitAsync();
        }

        await consumer.WaitUntilCaughtUpAsync();
        Assert.Equal((3L, ConsumerState.Running), (consumer.Position.Value, (await consumer.GetStatusAsync()).State));
        foreach (var option in new[] { "OnCaughtUp", "OnIdle", "OnPersisted" })
            Assert.Contains($"The callback {option} of consumer called back failed; the consumer goes on", log.Written);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_hook_that_throws_its_own_cancellation_ends_the_consumer_with_an_explanation()
    {
        await using var store = await Wireup.Init().UsingInMemoryPersistence().HookIntoPipelineUsing(new Cancels())
            .UsingJsonSerialization(types => types.Register<string>("text")).BuildAsync();
        await store.AppendAsync("stream", "x");
        await using var consumer = await store.Consumers.StartAsync("cancelled", ConsumerSource.Everything, (_, _) => default);
        Assert.Contains(
            "of its own",
            (await Assert.ThrowsAsync<InvalidOperationException>(() => consumer.Completion)).Message,
            StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task What_a_consumer_refuses_is_one_exception_that_names_the_option_or_what_to_do()
    {
        await using var store = await Wireup.Init().UsingInMemoryPersistence()
            .UsingJsonSerialization(types => types.Register<string>("text")).BuildAsync();
        var lanes = await Assert.ThrowsAsync<InvalidOptionException>(async () => await store.Consumers.StartAsync(
            "name", ConsumerSource.Everything, new Projection<string>("", (state, _) => state), new ConsumerOptions { Parallelism = 2 }));
        Assert.Equal("ConsumerOptions.Parallelism is 2, but must be 1 for a consumer with a state.", lanes.Message);
        var start = await Assert.ThrowsAsync<InvalidOptionException>(async () => await store.Consumers.StartAsync(
            "name",
            ConsumerSource.Everything,
            (_, _) => default,
            new ConsumerOptions { StartFrom = ConsumerStart.AfterRevision(new Revision(5)) }));
        Assert.Equal("StartFrom", start.Property);

        await using var running = await store.Consumers.StartAsync("name", ConsumerSource.Everything, (_, _) => default);
        var taken = await Assert.ThrowsAsync<ConsumerTakenException>(async () => await store.Consumers.DeleteAsync("name"));
        Assert.Contains("Dispose it where it runs; then delete it.", taken.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("WhenTaken", taken.Message, StringComparison.Ordinal);
    }

    private sealed class Cancels : IPipelineHook
    {
        public CommittedEvent? Select(CommittedEvent committed) => throw new OperationCanceledException("of its own");
    }

    [Fact(Timeout = 60_000)]
    public async Task A_wait_for_a_progress_that_was_handed_over_moves_to_its_successor()
    {
        var (before, after) = (new ConsumerProgress(default, null, null), new ConsumerProgress(default, null, null));
        var early = before.WaitForAsync(5);
        before.HandOverTo(after);
        var late = before.WaitForAsync(5);
        after.MoveTo(new FeedPosition(5, 0), null);
        await early;
        await late;
    }

    [Fact(Timeout = 60_000)]
    public async Task A_delivery_cancelled_during_a_pause_frees_its_place_in_the_window()
    {
        await using var store = await Wireup.Init().UsingInMemoryPersistence()
            .UsingJsonSerialization(types => types.Register<string>("text")).BuildAsync();
        await store.AppendAsync("stream", "x");
        var committed = await store.ReadAllAsync().FirstAsync();
        var (gate, options, pulled) = (new PauseGate(), new ConsumerOptions(), new PulledEvents(width: 1));
        var definition = new ConsumerDefinition("pulled", ConsumerSource.Everything, options, context => new PullPump(context, pulled));
        await using var gauges = new Gauges("test");
        var report = new ConsumerReport("pulled", gauges, NullLogger.Instance);
        var storage = new ConsumerDocuments(OpenInMemory(), Guid.Empty, TimeProvider.System).StorageOf("pulled", options);
        using var claim = new ConsumerClaim(definition, storage, report, _ => { });
        var context = new PumpContext(new FailurePolicy(claim, gate), new ConsumerProgress(default, null, null), options, _ => default)
        {
            Pacing = new WritePacing(options, TimeProvider.System),
        };
        var pump = new PullPump(context, pulled);
        await gate.PauseAsync();
        using var broken = new CancellationTokenSource();
        var delivering = pump.DeliverAsync(new FeedEvents(new[] { new FeedEvent(committed, new FeedPosition(1, 0)) }), broken.Token);
        await broken.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await delivering);
        gate.Resume();
        pump.Begin();
        await pump.DeliverAsync(
            new FeedEvents(new[] { new FeedEvent(committed, new FeedPosition(1, 0)) }), TestContext.Current.CancellationToken);
        Assert.True(pulled.Deliveries.TryRead(out _));
    }

    private static IPersistenceEngine OpenInMemory() => new EngineCatalogue().AddInMemory().Create("memory:", EngineContext.Default);

    private sealed class CountsReads(IPersistenceEngine inner) : DelegatingEngine(inner)
    {
        private int pages;

        public int Pages => pages;

        public void Reset() => pages = 0;

        public override ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default)
        {
            if (read.Direction == ReadDirection.Forward) Interlocked.Increment(ref pages);
            return base.ReadAllAsync(read, cancellationToken);
        }
    }
}
