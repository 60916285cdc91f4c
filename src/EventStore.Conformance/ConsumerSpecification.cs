using System.Collections.Concurrent;
using Xunit;

namespace EventStore.Conformance;

/// <summary>Consumers miss no event and repeat no acknowledged one, for every source and every way to stop.</summary>
public abstract class ConsumerSpecification<TBackend> : ConsumerFacts<TBackend> where TBackend : IBackend, new()
{
    private const int Minute = 60_000;

    [Fact(Timeout = Minute), Guarantee("G32", "G36")]
    public async Task Every_kind_of_source_is_consumed_in_order_from_the_origin_and_then_live()
    {
        await using var store = await Wire().BuildAsync();
        await AppendMixAsync(store, round: 1);
        await store.ReadStreams.CreateAsync("links", EventPredicate.Category("b"));
        var sources = new Dictionary<string, (ConsumerSource Source, string Expected)>
        {
            ["all"] = (ConsumerSource.Everything, "a1 b1 c1 a2 b2 c2"),
            ["stream"] = (ConsumerSource.OfStream(new StreamId("default", "a", "1")), "a1 a2"),
            ["category"] = (ConsumerSource.OfCategory("b"), "b1 b2"),
            ["bucket"] = (ConsumerSource.OfBucket("other"), "c1 c2"),
            ["filter"] = (ConsumerSource.Matching(new EventFilter { Category = "a" }), "a1 a2"),
            ["condition"] = (
                ConsumerSource.Matching(EventPredicate.Category("a").Or(EventPredicate.Category("b")).And(EventPredicate.StreamIds("1"))),
                "a1 b1 a2 b2"),
            ["links"] = (ConsumerSource.OfReadStream("links"), "b1 b2"),
        };

        var got = sources.Keys.ToDictionary(name => name, _ => new ConcurrentQueue<string>());
        foreach (var (name, (source, _)) in sources)
        {
            await store.Consumers.StartAsync(name, source, (committed, _) =>
            {
                got[name].Enqueue((string)committed.Body);
                return default;
            }, Quick());
        }

        await AppendMixAsync(store, round: 2);
        foreach (var (name, (_, expected)) in sources)
        {
            await UntilAsync(() => got[name].Count >= expected.Split(' ').Length);
            Assert.Equal(expected, string.Join(' ', got[name]));
        }
    }

    [Fact(Timeout = Minute), Guarantee("G57")]
    public async Task Retention_keeps_what_a_consumer_has_not_handled()
    {
        await using var store = await Wire().KeepEvents("kept", maxEvents: 2).BuildAsync();
        StreamId kept = new("kept", "1"), other = new("other", "1");
        await AppendAsync(5);
        await using (var consumer = await store.Consumers.StartAsync("slow", ConsumerSource.OfStream(kept), See, Quick()))
            await consumer.WaitUntilCaughtUpAsync();
        await AppendAsync(5);
        var report = await store.Retention.ApplyAsync();
        Assert.Equal((1L, 5L), (report.Streams, report.Events));
        Assert.Equal(["consumer 'slow'"], report.HeldBackBy);
        await ExpectAsync(6);

        await using (var consumer = await store.Consumers.StartAsync("slow", ConsumerSource.OfStream(kept), See, Quick()))
            await consumer.WaitUntilCaughtUpAsync();
        report = await store.Retention.ApplyAsync();
        Assert.Equal((1L, 3L), (report.Streams, report.Events));
        Assert.Empty(report.HeldBackBy);
        await ExpectAsync(9);

        async Task AppendAsync(int count)
        {
            for (var i = 0; i < count; i++)
            {
                await store.AppendAsync(kept, "kept");
                await store.AppendAsync(other, "other");
            }
        }

        async Task ExpectAsync(long first)
        {
            var left = (await ToListAsync(store.ReadStreamAsync(kept))).Select(committed => committed.Revision.Value);
            Assert.Equal(Enumerable.Range((int)first, 11 - (int)first).Select(revision => (long)revision), left);
            Assert.Equal(10, (await ToListAsync(store.ReadStreamAsync(other))).Count);
        }
    }

    [Fact(Timeout = Minute), Guarantee("G32")]
    public async Task A_restarted_consumer_continues_after_the_events_it_handled()
    {
        await using var store = await Wire().BuildAsync();
        for (var i = 1; i <= 10; i++)
        {
            await store.AppendAsync("stream", $"{i}");
            await using var consumer = await store.Consumers.StartAsync("name", ConsumerSource.Everything, See, Quick());
            await consumer.WaitUntilCaughtUpAsync();
        }

        Assert.Equal(Enumerable.Range(1, 10).Select(i => $"{i}"), Seen);
        Assert.Equal(["name"], await ToListAsync(store.Consumers.ListAsync()));
    }

    [Theory(Timeout = 60 * Minute), InlineData(1), InlineData(7), InlineData(1000), Guarantee("G32")]
    public async Task What_is_appended_while_it_catches_up_is_delivered_once_and_in_order(int eventsPerCheckpoint)
    {
        const int Writers = 8;
        var events = IsLongRun ? 100_000 : 3_000;
        await using var store = await Wire().BuildAsync();
        await AppendManyAsync(store, 0, events / 20);
        var delivered = new List<(Checkpoint Checkpoint, string Body)>();
        await using var consumer = await store.Consumers.StartAsync("name", ConsumerSource.Everything, (committed, _) =>
        {
            delivered.Add((committed.Checkpoint, (string)committed.Body));
            return default;
        }, Quick(options => options.EventsPerCheckpoint = eventsPerCheckpoint));
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            for (var i = 0; i < events / Writers; i++) await store.AppendAsync($"writer-{writer}", $"{writer}.{i}");
        })));
        await consumer.WaitUntilCaughtUpAsync();
        Assert.Equal(
            (await ToListAsync(store.ReadAllAsync())).Select(committed => (committed.Checkpoint, (string)committed.Body)), delivered);
        Assert.Equal((events / 20) + (events / Writers * Writers), delivered.Count);
    }

    [Fact(Timeout = Minute), Guarantee("G36")]
    public async Task The_start_position_is_used_only_the_first_time()
    {
        await using var store = await Wire().BuildAsync();
        await AppendManyAsync(store, 1, 4);
        await using (var current = await store.Consumers.StartAsync(
                "current", ConsumerSource.Everything, See, Quick(options => options.StartFrom = ConsumerStart.Current)))
        {
            await store.AppendAsync("stream", "5");
            await current.WaitUntilCaughtUpAsync();
        }

        await using (var again = await store.Consumers.StartAsync(
                "current", ConsumerSource.Everything, See, Quick(options => options.StartFrom = ConsumerStart.Origin)))
        {
            await store.AppendAsync("stream", "6");
            await again.WaitUntilCaughtUpAsync();
        }

        Assert.Equal(["5", "6"], Seen);
        Seen.Clear();
        await using var after = await store.Consumers.StartAsync(
            "checkpoint",
            ConsumerSource.Everything,
            See,
            Quick(options => options.StartFrom = ConsumerStart.AfterCheckpoint(new Checkpoint(4))));
        await after.WaitUntilCaughtUpAsync();
        await using var revision = await store.Consumers.StartAsync(
            "revision",
            ConsumerSource.OfStream("stream"),
            See,
            Quick(options => options.StartFrom = ConsumerStart.AfterRevision(new Revision(5))));
        await revision.WaitUntilCaughtUpAsync();
        Assert.Equal(["5", "6", "6"], Seen);
    }

    [Fact(Timeout = Minute), Guarantee("G36")]
    public async Task Caught_up_is_called_on_an_empty_or_missing_stream_and_again_after_new_events()
    {
        var calls = 0;
        await using var store = await Wire().BuildAsync();
        await using var consumer = await store.Consumers.StartAsync(
            "name", ConsumerSource.OfStream("missing"), See, Quick(options => options.OnCaughtUp = () => Interlocked.Increment(ref calls)));
        await UntilAsync(() => Volatile.Read(ref calls) == 1);
        await store.AppendAsync("elsewhere", "0");
        await store.AppendAsync("missing", "1");
        await consumer.WaitUntilCaughtUpAsync();
        await UntilAsync(() => Volatile.Read(ref calls) >= 2);
        Assert.Equal(["1"], Seen);
        Assert.Equal(0, (await consumer.GetStatusAsync()).Lag);
    }

    [Fact(Timeout = Minute), Guarantee("G36")]
    public async Task A_stream_that_is_deleted_and_created_again_is_consumed_from_its_beginning()
    {
        await using var store = await Wire().BuildAsync();
        await AppendManyAsync(store, 1, 3);
        await using (var consumer = await store.Consumers.StartAsync("name", ConsumerSource.OfStream("stream"), See, Quick()))
        {
            await consumer.WaitUntilCaughtUpAsync();
            await store.DeleteStreamAsync("stream");
            await store.AppendAsync("stream", "new 1");
            await consumer.WaitUntilCaughtUpAsync();
        }

        await store.DeleteStreamAsync("stream");
        await store.AppendAsync("stream", ExpectedRevision.NoStream, ["newer 1", "newer 2", "newer 3", "newer 4"]);
        await using var again = await store.Consumers.StartAsync("name", ConsumerSource.OfStream("stream"), See, Quick());
        await again.WaitUntilCaughtUpAsync();
        Assert.Equal(["1", "2", "3", "new 1", "newer 1", "newer 2", "newer 3", "newer 4"], Seen);
    }

    [Fact(Timeout = Minute), Guarantee("G41")]
    public async Task A_subscription_without_a_name_follows_live_through_the_read_hooks()
    {
        await using var store = await Wire().HookIntoPipelineUsing(new HidesAndShouts()).BuildAsync();
        await AppendManyAsync(store, 1, 3);
        using var ending = new CancellationTokenSource();
        var got = new List<string>();
        var appending = Task.Run(() => AppendManyAsync(store, 4, 3), TestContext.Current.CancellationToken);
        await foreach (var committed in store.Consumers.SubscribeAsync(ConsumerSource.Everything, cancellationToken: ending.Token))
        {
            got.Add((string)committed.Body);
            if (got.Count == 5) break;
        }

        await appending;
        Assert.Equal(["1!", "3!", "4!", "5!", "6!"], got);
    }

    [Theory(Timeout = Minute), InlineData(1), InlineData(100), Guarantee("G37")]
    public async Task A_consumer_that_its_handler_stops_is_given_no_further_event(int eventsPerCheckpoint)
    {
        await using var store = await Wire().BuildAsync();
        await AppendManyAsync(store, 1, 50);
        var self = new TaskCompletionSource<IConsumer>();
        var consumer = await store.Consumers.StartAsync("name", ConsumerSource.Everything, async (committed, token) =>
        {
            await See(committed, token);
            if (Seen.Count == 3) await (await self.Task).DisposeAsync();
        }, Quick(options => options.EventsPerCheckpoint = eventsPerCheckpoint));
        self.SetResult(consumer);
        await consumer.Completion;
        Assert.Equal(["1", "2", "3"], Seen);
        await using var again = await store.Consumers.StartAsync("name", ConsumerSource.Everything, See, Quick());
        await again.WaitUntilCaughtUpAsync();
        Assert.Equal(Enumerable.Range(1, 50).Select(i => $"{i}"), Seen);
    }

    [Fact(Timeout = Minute), Guarantee("G34", "G37")]
    public async Task A_loop_that_pulls_ends_with_its_consumer_and_the_next_one_begins_with_what_was_not_acknowledged()
    {
        await using var store = await Wire().BuildAsync();
        await AppendManyAsync(store, 1, 50);
        var first = await store.Consumers.OpenAsync("name", ConsumerSource.Everything, Quick());
        await foreach (var delivery in first)
        {
            Seen.Enqueue((string)delivery.Event.Body);
            if (Seen.Count == 3)
            {
                await first.DisposeAsync();
                await Assert.ThrowsAsync<ObjectDisposedException>(async () => await delivery.AcknowledgeAsync());
            }
            else
            {
                await delivery.AcknowledgeAsync();
            }
        }

        Assert.Equal(["1", "2", "3"], Seen);
        await using var next = await store.Consumers.OpenAsync("name", ConsumerSource.Everything, Quick());
        await foreach (var delivery in next)
        {
            Assert.Equal("3", delivery.Event.Body);
            break;
        }
    }

    private static async Task AppendMixAsync(IEventStore store, int round)
    {
        await store.AppendAsync(new StreamId("default", "a", "1"), $"a{round}");
        await store.AppendAsync(new StreamId("default", "b", "1"), $"b{round}");
        await store.AppendAsync(new StreamId("other", "c", "1"), $"c{round}");
    }

    private sealed class HidesAndShouts : IPipelineHook
    {
        public CommittedEvent? Select(CommittedEvent committed) =>
            (string)committed.Body == "2" ? null : committed.WithBody(committed.Body + "!");
    }
}
