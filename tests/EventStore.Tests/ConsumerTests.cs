using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using EventStore.Conformance;

namespace EventStore.Tests;

/// <summary>What consumers of one process cost together, and what they tell of themselves.</summary>
public sealed class ConsumerTests
{
    [Fact(Timeout = 120_000)]
    public async Task Consumers_started_together_read_the_store_about_once()
    {
        const int Consumers = 10, Commits = 100, EventsPerCommit = 500;
        var counting = new CountsReads(new EngineCatalogue().AddInMemory().Create("memory:", EngineContext.Default));
        await using var store = await Wireup.Init().UsingPersistence(counting).UsingJsonSerialization(types => types.Register<string>("text")).BuildAsync();
        for (var i = 0; i < Commits; i++) await store.AppendAsync("stream", ExpectedRevision.Any, [.. Enumerable.Range(0, EventsPerCommit).Select(_ => new EventMessage("x"))]);
        counting.Pages = 0;
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

        // Each alone would read as many pages as the store has.
        const int PagesOfStore = (Commits * EventsPerCommit / 512) + 1;
        TestContext.Current.TestOutputHelper?.WriteLine($"{counting.Pages} pages read of {PagesOfStore}");
        Assert.InRange(counting.Pages, PagesOfStore, PagesOfStore * 3);
    }

    [Fact(Timeout = 60_000)]
    public async Task The_lag_that_is_told_is_that_of_what_is_consumed_and_gone_once_it_is()
    {
        var told = new ConcurrentDictionary<string, long>();
        using var listener = new MeterListener { InstrumentPublished = static (instrument, listening) => { if (instrument.Name == "eventstore.consumer.lag") listening.EnableMeasurementEvents(instrument); } };
        listener.SetMeasurementEventCallback<long>((_, change, tags, _) => told.AddOrUpdate((string)Find(tags, "eventstore.consumer")!, change, (_, lag) => lag + change));
        listener.Start();
        await using var store = await Wireup.Init().UsingInMemoryPersistence().UsingJsonSerialization(types => types.Register<string>("text")).BuildAsync();
        await store.AppendAsync("consumed", ExpectedRevision.Any, ["1", "2", "3"]);
        for (var i = 0; i < 50; i++) await store.AppendAsync("another", "x");

        var (name, held) = ($"{Guid.NewGuid()}", new TaskCompletionSource());
        await using (var consumer = await store.Consumers.StartAsync(name, ConsumerSource.OfStream("consumed"), async (_, _) => await held.Task))
        {
            while (told.GetValueOrDefault(name) == 0) await Task.Yield();
            Assert.Equal((3, 3), (told[name], (await consumer.GetStatusAsync()).Lag));
            held.SetResult();
            await consumer.WaitUntilCaughtUpAsync();
            while (told[name] != 0) await Task.Yield();
            Assert.Equal(0, (await consumer.GetStatusAsync()).Lag);
        }

        static object? Find(ReadOnlySpan<KeyValuePair<string, object?>> tags, string key)
        {
            foreach (var tag in tags)
            {
                if (tag.Key == key) return tag.Value;
            }

            return null;
        }
    }

    private sealed class CountsReads(IPersistenceEngine inner) : DelegatingEngine(inner)
    {
        private int pages;

        public int Pages
        {
            get => pages;
            set => pages = value;
        }

        public override ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default)
        {
            if (read.Direction == ReadDirection.Forward) Interlocked.Increment(ref pages);
            return base.ReadAllAsync(read, cancellationToken);
        }
    }
}
