using EventStore.Conformance;
using EventStore.Engines;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace EventStore.Tests;

/// <summary>Retention truncates what is too old or too much, and nothing that is still needed.</summary>
public sealed class RetentionTests
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);
    private readonly AdjustableTimeProvider time = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_newest_events_of_each_stream_of_the_category_stay_and_others_are_left_alone()
    {
        await using var store = await BuildAsync(wireup => wireup.KeepEvents("log", maxEvents: 3));
        StreamId[] streams =
        [
            new("log", "a"), new("log", "b"), new("logs", "a"), new("other", "log", "a"), new StreamId("log"), new("log", "empty"),
        ];
        foreach (var stream in streams) await AppendAsync(store, stream, stream.Id == "b" ? 3 : 5);
        await store.TruncateStreamAsync(streams[^1], new Revision(6), cancellationToken: Token);
        var report = await store.Retention.ApplyAsync(Token);
        Assert.Equal((1L, 2L), (report.Streams, report.Events));
        Assert.Empty(report.HeldBackBy);
        Assert.Equal((long[])[3, 1, 1, 1, 1, 6], await FirstRevisionsAsync(store, streams));
        report = await store.Retention.ApplyAsync(Token);
        Assert.Equal((0L, 0L), (report.Streams, report.Events));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    [InlineData(11, 10)]
    [InlineData(12, 11)]
    [InlineData(1_000, 11)]
    public async Task Events_above_an_age_are_removed(int daysLater, long first)
    {
        await using var store = await BuildAsync(wireup => wireup.KeepEvents("log", maxAge: 12.5 * Day));
        StreamId stream = new("log", "a");
        for (var i = 0; i < 10; i++)
        {
            await AppendAsync(store, stream, 1);
            time.Advance(Day);
        }

        // The event of revision r is a little more than 11 - r + daysLater days old, and may be 12 and a half.
        time.Advance(daysLater * Day);
        await store.Retention.ApplyAsync(Token);
        Assert.Equal((long[])[first], await FirstRevisionsAsync(store, [stream]));
    }

    [Theory]
    [InlineData(false, 5)]
    [InlineData(true, 9)]
    public async Task A_snapshot_that_needs_the_events_after_it_keeps_them(bool ignores, long first)
    {
        await using var store = await BuildAsync(wireup => wireup.KeepEvents("log", options =>
        {
            options.MaxEvents = 2;
            options.IgnoresSnapshots = ignores;
        }));
        StreamId stream = new("log", "a");
        await AppendAsync(store, stream, 10);
        await store.Snapshots.SaveAsync(new Snapshot(stream, new Revision(4), "state"), Token);
        var report = await store.Retention.ApplyAsync(Token);
        Assert.Equal(ignores ? [] : ["snapshots"], report.HeldBackBy);
        Assert.Equal((long[])[first], await FirstRevisionsAsync(store, [stream]));
        Assert.Equal(!ignores, await store.Snapshots.FindAsync(stream, cancellationToken: Token) is not null);
    }

    [Theory]
    [InlineData(false, 4)]
    [InlineData(true, 9)]
    public async Task What_is_not_dispatched_stays(bool ignores, long first)
    {
        await using var store = await BuildAsync(wireup => wireup.KeepEvents("log", options =>
        {
            options.MaxEvents = 2;
            options.IgnoresDispatch = ignores;
        }));
        StreamId stream = new("log", "a");
        await AppendAsync(store, stream, 10);
        var oldest = await store.ReadStreamAsync(stream, cancellationToken: Token).Take(3).ToListAsync(Token);
        await store.Dispatch.MarkAsDispatchedAsync(oldest, Token);
        var report = await store.Retention.ApplyAsync(Token);
        Assert.Equal(ignores ? [] : ["dispatch"], report.HeldBackBy);
        Assert.Equal((long[])[first], await FirstRevisionsAsync(store, [stream]));
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 9)]
    public async Task What_a_durable_consumer_has_not_handled_stays_also_while_it_does_not_run(bool ignores, long first)
    {
        await using var store = await BuildAsync(wireup => wireup.KeepEvents("log", options =>
        {
            options.MaxEvents = 2;
            options.IgnoresConsumers = ignores;
        }));
        StreamId stream = new("log", "a");
        await using (await store.Consumers.StartAsync("late", ConsumerSource.Everything, (_, _) => default, cancellationToken: Token))
        {
            // It is started, and has nothing to read yet.
        }

        await AppendAsync(store, stream, 10);
        var report = await store.Retention.ApplyAsync(Token);
        Assert.Equal(ignores ? [] : ["consumer 'late'"], report.HeldBackBy);
        Assert.Equal((long[])[first], await FirstRevisionsAsync(store, [stream]));
        var (handled, done) = (new List<long>(), new TaskCompletionSource());
        await using var consumer = await store.Consumers.StartAsync("late", ConsumerSource.Everything, (committed, _) =>
        {
            handled.Add(committed.Revision.Value);
            return default;
        }, cancellationToken: Token);
        await consumer.WaitUntilCaughtUpAsync(Token);
        Assert.Equal(Enumerable.Range((int)first, 11 - (int)first).Select(revision => (long)revision), handled);
        await consumer.DisposeAsync();
        await store.Retention.ApplyAsync(Token);
        Assert.Equal((long[])[9], await FirstRevisionsAsync(store, [stream]));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_consumer_of_a_stream_goes_on_after_what_was_truncated_and_counts_it()
    {
        using var listener = new System.Diagnostics.Metrics.MeterListener();
        var missed = 0L;
        listener.InstrumentPublished = (instrument, to) =>
        {
            if (instrument.Name == "eventstore.consumer.missed") to.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, count, tags, _) =>
        {
            foreach (var (_, value) in tags)
            {
                if (value is "cut") Interlocked.Add(ref missed, count);
            }
        });
        listener.Start();
        await using var store = await BuildAsync(wireup => wireup);
        StreamId stream = new("log", "a");
        await AppendAsync(store, stream, 10);
        var handled = new List<long>();
        foreach (var (stopAt, truncate) in (ValueTuple<int, int>[])[(3, 7), (12, 15), (20, 0)])
        {
            while ((await store.FindHeadAsync(stream, Token))!.Revision.Value < stopAt) await AppendAsync(store, stream, 1);
            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var consumer = await store.Consumers.StartAsync("cut", ConsumerSource.OfStream(stream), async (committed, token) =>
            {
                if (committed.Revision.Value > stopAt) await Task.Delay(Timeout.Infinite, token);
                handled.Add(committed.Revision.Value);
                if (committed.Revision.Value == stopAt) reached.SetResult();
            }, cancellationToken: Token);
            await reached.Task.WaitAsync(Token);
            await consumer.DisposeAsync();
            while ((await store.FindHeadAsync(stream, Token))!.Revision.Value < truncate + 2) await AppendAsync(store, stream, 1);
            if (truncate > 0) await store.TruncateStreamAsync(stream, new Revision(truncate), cancellationToken: Token);
        }

        Assert.Equal((long[])[1, 2, 3, 7, 8, 9, 10, 11, 12, 15, 16, 17, 18, 19, 20], handled);
        Assert.Equal(3 + 2, Interlocked.Read(ref missed));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_failure_of_any_kind_is_tried_again_at_the_next_interval()
    {
        var memory = new EngineCatalogue().AddInMemory().Create("memory:", new EngineContext(time, NullLoggerFactory.Instance));
        var engine = new FailsOnce(memory);
        await using var store = await BuildAsync(
            wireup => wireup.KeepEvents("log", maxEvents: 1).ApplyRetentionEvery(TimeSpan.FromMinutes(10)), engine);
        StreamId stream = new("log", "a");
        await AppendAsync(store, stream, 5);
        engine.Fail();
        while ((await FirstRevisionsAsync(store, [stream]))[0] < 5)
        {
            time.Advance(TimeSpan.FromMinutes(1));
            await Task.Yield();
        }

        Assert.True(engine.HasFailed);
    }

    [Fact(Timeout = 60_000)]
    public async Task The_store_applies_its_policies_at_an_interval_by_itself()
    {
        await using var store = await BuildAsync(
            wireup => wireup.KeepEvents("log", maxEvents: 1).ApplyRetentionEvery(TimeSpan.FromMinutes(10)));
        StreamId stream = new("log", "a");
        for (var round = 1; round <= 3; round++)
        {
            await AppendAsync(store, stream, 5);
            while ((await FirstRevisionsAsync(store, [stream]))[0] < round * 5)
            {
                time.Advance(TimeSpan.FromMinutes(1));
                await Task.Yield();
            }
        }
    }

    [Fact]
    public async Task Limits_that_make_no_sense_and_a_store_that_reads_only_are_refused()
    {
        foreach (var wrong in (Action<Wireup>[])
        [
            wireup => wireup.KeepEvents("log"), wireup => wireup.KeepEvents("log", maxEvents: 0),
            wireup => wireup.KeepEvents("log", maxAge: TimeSpan.Zero), wireup => wireup.ApplyRetentionEvery(TimeSpan.Zero),
            wireup => wireup.ApplyRetentionEvery(TimeSpan.FromDays(25)),
        ]) Assert.Throws<InvalidOptionException>(() => wrong(Wireup.Init()));
        Assert.Throws<InvalidNameException>(() => Wireup.Init().KeepEvents("a\0", maxEvents: 1));
        await Assert.ThrowsAsync<WireupException>(
            async () => await BuildAsync(wireup => wireup.OpenReadOnly().KeepEvents("log", maxEvents: 1)));
    }

    private ValueTask<IEventStore> BuildAsync(Func<Wireup, Wireup> configure, IPersistenceEngine? engine = null) => configure(
        (engine is null ? Wireup.Init().UsingInMemoryPersistence() : Wireup.Init().UsingPersistence(engine))
        .UsingLoggerFactory(NullLoggerFactory.Instance).UsingTimeProvider(time)
        .UsingJsonSerialization(types => types.Register<string>("text"))).BuildAsync(Token);

    private static async Task AppendAsync(IEventStore store, StreamId stream, int events) =>
        await store.AppendAsync(
            stream, ExpectedRevision.Any, [.. Enumerable.Range(0, events).Select(i => new EventMessage($"{i}"))],
            cancellationToken: Token);

    private static async Task<long[]> FirstRevisionsAsync(IEventStore store, IEnumerable<StreamId> streams)
    {
        var found = new List<long>();
        foreach (var stream in streams) found.Add((await store.FindHeadAsync(stream, Token))!.FirstRevision.Value);
        return [.. found];
    }

    private sealed class FailsOnce(IPersistenceEngine inner) : DelegatingEngine(inner)
    {
        private volatile bool isFailing;

        public bool HasFailed { get; private set; }

        public void Fail() => isFailing = true;

        public override ValueTask<IReadOnlyList<StreamHead>> ListHeadsAsync(HeadQuery query, CancellationToken cancellationToken = default)
        {
            if (!isFailing) return base.ListHeadsAsync(query, cancellationToken);
            (isFailing, HasFailed) = (false, true);
            throw new InvalidOperationException("no exception of the contract");
        }
    }
}
