using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using EventStore.Conformance;
using EventStore.Deliveries;
using EventStore.TestSupport;
using Microsoft.Extensions.Logging;

namespace EventStore.Tests;

/// <summary>What consumers write for a large state and for parked events, and what is measured about them.</summary>
public sealed class ConsumerCostTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task A_large_state_is_written_in_proportion_to_the_events_and_not_to_its_size()
    {
        const int Events = 20_000, StateBytes = 1 << 20;
        var counting = new CountsDocuments(OpenInMemory());
        await using var store = await Wire(counting).BuildAsync(Token);
        await FillAsync(store, Events);
        var filler = Random.Shared.GetHexString(StateBytes);
        await using (var consumer = await store.Consumers.StartAsync(
            "large", ConsumerSource.Everything, new Projection<Large>(new(0, ""), (state, _) => new(state.Count + 1, filler))))
        {
            await consumer.WaitUntilCaughtUpAsync(Token);
        }

        // 64 KiB for each 100 events, one write at the end, and the documents of the leases.
        TestContext.Current.TestOutputHelper?.WriteLine($"{counting.Bytes >> 20} MiB in {counting.Writes} writes");
        Assert.InRange(counting.Bytes, StateBytes / 2, (Events / 100 * (64 << 10)) + (3 * StateBytes));

        await using var again = await store.Consumers.StartAsync(
            "large", ConsumerSource.Everything, new Projection<Large>(new(0, ""), (state, _) => new(state.Count + 1, filler)));
        await again.WaitUntilCaughtUpAsync(Token);
        Assert.Equal((Events, StateBytes), (again.State.Count, again.State.Filler.Length));
        Assert.InRange((await again.GetStatusAsync(Token)).StateBytes, StateBytes / 2, StateBytes);
    }

    [Fact(Timeout = 120_000)]
    public async Task Events_that_come_one_by_one_do_not_write_a_large_state_each_time()
    {
        const int Events = 200, StateBytes = 1 << 20;
        var counting = new CountsDocuments(OpenInMemory());
        await using var store = await Wire(counting).BuildAsync(Token);
        var filler = Random.Shared.GetHexString(StateBytes);
        await using var consumer = await store.Consumers.StartAsync(
            "large", ConsumerSource.Everything, new Projection<Large>(new(0, ""), (state, _) => new(state.Count + 1, filler)));
        for (var i = 0; i < Events; i++)
        {
            var result = await store.AppendAsync("stream", "x");
            await consumer.WaitForAsync(result.LastCheckpoint, Token);
        }

        Assert.InRange(counting.Bytes, 1, 20L * StateBytes);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_state_is_reported_before_the_limit_of_the_storage_and_refused_at_it()
    {
        var log = new LogLines();
        var small = new CountsDocuments(OpenInMemory(), maxDocumentBytes: 100_000);
        await using var store = await Wire(small).UsingLoggerFactory(log).BuildAsync(Token);
        await FillAsync(store, 100);

        // Each event adds 4,000 characters that do not compress well.
        await using var consumer = await store.Consumers.StartAsync(
            "growing",
            ConsumerSource.Everything,
            new Projection<Large>(new(0, ""), (state, _) => new(state.Count + 1, state.Filler + Random.Shared.GetHexString(4_000))),
            new ConsumerOptions { EventsPerCheckpoint = 1 });
        var refused = await Assert.ThrowsAsync<TooLargeException>(() => consumer.Completion);
        Assert.Contains("state of the consumer 'growing'", refused.Message, StringComparison.Ordinal);
        Assert.Contains(log.Written, line => line.Contains("The state of consumer growing has", StringComparison.Ordinal));
        Assert.Equal(ConsumerState.Faulted, (await consumer.GetStatusAsync(Token)).State);
    }

    [Fact(Timeout = 120_000)]
    public async Task Replaying_parked_events_writes_in_proportion_to_their_number()
    {
        var (small, large) = (await ReplayAsync(2_000), await ReplayAsync(20_000));
        TestContext.Current.TestOutputHelper?.WriteLine($"2,000: {small} bytes, 20,000: {large} bytes");
        Assert.InRange(large, 1, small * 30);

        static async Task<long> ReplayAsync(int events)
        {
            var (counting, isRepaired) = (new CountsDocuments(OpenInMemory()), false);
            await using var store = await Wire(counting).BuildAsync(Token);
            await FillAsync(store, 2 * events);
            await using var consumer = await store.Consumers.StartAsync(
                "parking",
                ConsumerSource.Everything,
                (committed, _) => isRepaired || committed.Checkpoint.Value % 2 == 0 ? default : throw new InvalidOperationException("x"),
                new ConsumerOptions { MaxRetries = 0, FailureAction = FailureAction.Park });
            await consumer.WaitUntilCaughtUpAsync(Token);
            isRepaired = true;
            counting.Reset();
            Assert.Equal(events, await consumer.ReplayParkedAsync(Token));
            Assert.Equal(0, (await consumer.GetStatusAsync(Token)).Parked);
            return counting.Bytes;
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task Dispatching_parked_commits_again_writes_in_proportion_to_their_number()
    {
        var (small, large) = (await RetryAsync(2_000), await RetryAsync(20_000));
        TestContext.Current.TestOutputHelper?.WriteLine($"2,000: {small} bytes, 20,000: {large} bytes");
        Assert.InRange(large, 1, small * 30);

        static async Task<long> RetryAsync(int events)
        {
            var (counting, isRepaired) = (new CountsDocuments(OpenInMemory()), false);
            await using var store = await Wire(counting)
                .UsingAsynchronousDispatchScheduler(options => options.ParkAfterFailures = 1)
                .DispatchTo(
                    (CommittedEvent committed, CancellationToken _) =>
                        isRepaired || committed.Checkpoint.Value % 2 == 0 ? default : throw new InvalidOperationException("x"))
                .BuildAsync(Token);
            await FillAsync(store, 2 * events);
            await store.Dispatch.WaitUntilDispatchedAsync(Token);
            isRepaired = true;
            counting.Reset();
            Assert.Equal(events, await store.Dispatch.ReplayParkedAsync(Token));
            Assert.Equal(0, (await store.Dispatch.GetStatusAsync(Token)).Parked);
            return counting.Bytes;
        }
    }

    [Fact]
    public void Ranges_are_those_of_a_set_of_checkpoints()
    {
        var (random, ranges, model) = (new Random(7), new List<CheckpointRange>(), new SortedSet<long>());
        for (var step = 0; step < 5_000; step++)
        {
            var first = random.Next(1, 200);
            var last = first + random.Next(8);
            for (var checkpoint = first; checkpoint <= last; checkpoint++)
            {
                if (step % 2 == 0) model.Add(checkpoint);
                else model.Remove(checkpoint);
            }

            if (step % 2 == 0) ranges.Include(first, last);
            else ranges.Exclude(first, last);
            var listed = ranges.SelectMany(range => Enumerable.Range((int)range.First, (int)(range.Last - range.First + 1)));
            Assert.Equal(model, listed.Select(checkpoint => (long)checkpoint));
            Assert.Equal(model.Contains(first), ranges.Covers(first));
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task Measured_lag_backlog_and_state_are_those_of_now_also_while_nothing_is_handled()
    {
        var (engine, name) = (Guid.NewGuid(), $"{Guid.NewGuid()}");
        var measured = new ConcurrentDictionary<string, long>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = static (instrument, listening) =>
        {
            if (instrument.Name is "eventstore.consumer.lag" or "eventstore.dispatch.backlog" or "eventstore.consumer.state.size")
                listening.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            foreach (var tag in tags)
            {
                if ($"{tag.Value}" == name || $"{tag.Value}" == $"{engine}") measured[instrument.Name] = value;
            }
        });
        listener.Start();
        var held = new TaskCompletionSource();
        await using var store = await Wire(new CountsDocuments(OpenInMemory(), name: $"{engine}"))
            .UsingAsynchronousDispatchScheduler().DispatchTo((Commit _, CancellationToken token) => new(held.Task.WaitAsync(token)))
            .BuildAsync(Token);
        await using var consumer = await store.Consumers.StartAsync(
            name, ConsumerSource.OfStream("stream"), (_, token) => new(held.Task.WaitAsync(token)));
        await FillAsync(store, 1_000);
        await UntilAsync("eventstore.consumer.lag", 1_000);
        await UntilAsync("eventstore.dispatch.backlog", 1_000);
        await FillAsync(store, 1_000);
        await UntilAsync("eventstore.consumer.lag", 2_000);
        held.SetResult();
        await UntilAsync("eventstore.consumer.lag", 0);
        await UntilAsync("eventstore.dispatch.backlog", 0);
        Assert.Equal(0, measured["eventstore.consumer.state.size"]);

        async Task UntilAsync(string instrument, long value)
        {
            while (measured.GetValueOrDefault(instrument, -1) != value)
            {
                listener.RecordObservableInstruments();
                await Task.Delay(1, Token);
            }
        }
    }

    private static Wireup Wire(IPersistenceEngine engine) => Wireup.Init().UsingPersistence(engine)
        .UsingJsonSerialization(types => types.Register<string>("text").Register<Large>("large"));

    [Fact(Timeout = 60_000)]
    public async Task A_page_of_a_consumed_stream_costs_one_request()
    {
        const int Events = 1_000, Pages = Events / 10;
        var counting = new CountsStreamReads(OpenInMemory());
        await using var store = await Wire(counting).BuildAsync(Token);
        await FillAsync(store, Events);
        var handled = 0;
        await using var consumer = await store.Consumers.StartAsync("pages", ConsumerSource.OfStream("stream"), (_, _) =>
        {
            handled++;
            return default;
        });
        await consumer.WaitUntilCaughtUpAsync(Token);
        Assert.Equal(Events, handled);
        Assert.InRange(counting.Reads, Pages, Pages + 5);
    }

    private static async Task FillAsync(IEventStore store, int events)
    {
        const int EventsPerCommit = 1_000;
        for (var i = 0; i < events; i += EventsPerCommit)
            await store.AppendAsync(
                "stream",
                ExpectedRevision.Any,
                [.. Enumerable.Range(0, Math.Min(EventsPerCommit, events - i)).Select(_ => new EventMessage("x"))],
                cancellationToken: Token);
    }

    private static IPersistenceEngine OpenInMemory() => new EngineCatalogue().AddInMemory().Create("memory:", EngineContext.Default);

    internal sealed record Large(int Count, string Filler);

    private sealed class CountsStreamReads(IPersistenceEngine inner) : DelegatingEngine(inner)
    {
        private int reads;

        public int Reads => reads;

        public override ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default)
        {
            Interlocked.Increment(ref reads);

            // Small pages, as an engine may return them.
            var limit = read.Limit with { MaxEvents = Math.Min(10, read.Limit.MaxEvents) };
            return base.ReadStreamAsync(read with { Limit = limit }, cancellationToken);
        }
    }

    private sealed class CountsDocuments(IPersistenceEngine inner, long? maxDocumentBytes = null, string? name = null)
        : DelegatingEngine(inner)
    {
        private long bytes;
        private int writes;

        public long Bytes => Interlocked.Read(ref bytes);

        public int Writes => writes;

        public override EngineDescription Description => base.Description with
        {
            Name = name ?? base.Description.Name,
            Limits = base.Description.Limits with { MaxDocumentBytes = maxDocumentBytes ?? base.Description.Limits.MaxDocumentBytes },
        };

        public void Reset() => Interlocked.Exchange(ref bytes, 0);

        public override ValueTask<long?> PutDocumentAsync(
            string name, ReadOnlyMemory<byte> content, long expectedVersion, CancellationToken cancellationToken = default)
        {
            Interlocked.Add(ref bytes, content.Length);
            Interlocked.Increment(ref writes);
            return base.PutDocumentAsync(name, content, expectedVersion, cancellationToken);
        }
    }
}
