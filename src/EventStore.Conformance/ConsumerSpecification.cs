using System.Collections.Concurrent;
using Xunit;

namespace EventStore.Conformance;

/// <summary>Consumers miss nothing and repeat nothing they acknowledged, whatever they read and however they are stopped.</summary>
public abstract class ConsumerSpecification<TBackend> : Specification<TBackend> where TBackend : IBackend, new()
{
    private const int Minute = 60_000;
    private readonly ConcurrentQueue<string> seen = new();

    [Fact(Timeout = Minute), Guarantee("G32", "G36")]
    public async Task Every_kind_of_source_is_consumed_in_order_from_the_origin_and_then_live()
    {
        await using var store = await Wire().BuildAsync();
        await AppendMixAsync(store, round: 1);
        await store.ReadStreams.CreateAsync("links", EventCondition.Category("b"));
        var sources = new Dictionary<string, (ConsumerSource Source, string Expected)>
        {
            ["all"] = (ConsumerSource.Everything, "a1 b1 c1 a2 b2 c2"),
            ["stream"] = (ConsumerSource.OfStream(new StreamId("default", "a", "1")), "a1 a2"),
            ["category"] = (ConsumerSource.OfCategory("b"), "b1 b2"),
            ["bucket"] = (ConsumerSource.OfBucket("other"), "c1 c2"),
            ["filter"] = (ConsumerSource.Matching(new EventFilter { Category = "a" }), "a1 a2"),
            ["condition"] = (ConsumerSource.Matching(EventCondition.Category("a").Or(EventCondition.Category("b")).And(EventCondition.Ids("1"))), "a1 b1 a2 b2"),
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

    [Fact(Timeout = Minute), Guarantee("G32")]
    public async Task Started_again_it_goes_on_after_what_it_handled()
    {
        await using var store = await Wire().BuildAsync();
        for (var i = 1; i <= 10; i++)
        {
            await store.AppendAsync("stream", $"{i}");
            await using var consumer = await store.Consumers.StartAsync("name", ConsumerSource.Everything, See, Quick());
            await consumer.WaitUntilCaughtUpAsync();
        }

        Assert.Equal(Enumerable.Range(1, 10).Select(i => $"{i}"), seen);
        Assert.Equal(["name"], await ToListAsync(store.Consumers.ListAsync()));
    }

    [Theory(Timeout = Minute), InlineData(1), InlineData(7), InlineData(1000), Guarantee("G32")]
    public async Task What_is_appended_while_it_catches_up_is_delivered_once_and_in_order(int eventsPerCheckpoint)
    {
        var events = IsLongRun ? 100_000 : 3_000;
        await using var store = await Wire().BuildAsync();
        await AppendManyAsync(store, 0, events / 3);
        await using var consumer = await store.Consumers.StartAsync("name", ConsumerSource.Everything, See, Quick(options => options.EventsPerCheckpoint = eventsPerCheckpoint));
        await AppendManyAsync(store, events / 3, events / 3 * 2);
        await consumer.WaitUntilCaughtUpAsync();
        Assert.Equal(Enumerable.Range(0, events / 3 * 3).Select(i => $"{i}"), seen);
    }

    [Fact(Timeout = Minute), Guarantee("G32", "G37")]
    public async Task A_handler_that_fails_for_good_stops_it_before_the_event_and_there_it_starts_again()
    {
        await using var store = await Wire().BuildAsync();
        await AppendManyAsync(store, 1, 4);
        await using (var failing = await store.Consumers.StartAsync(
            "name", ConsumerSource.Everything, (committed, token) => (string)committed.Body == "3" ? throw new InvalidOperationException("handler") : See(committed, token), Quick(options => options.MaxRetries = 0)))
        {
            var stopped = await Assert.ThrowsAsync<ConsumerStoppedException>(() => failing.Completion);
            Assert.Equal(("name", 3L), (stopped.Name, stopped.Checkpoint.Value));
            Assert.Equal(2, failing.Position.Value);
            await Assert.ThrowsAsync<InvalidOperationException>(async () => await failing.WaitForAsync(4));
        }

        await using var mended = await store.Consumers.StartAsync("name", ConsumerSource.Everything, See, Quick());
        await mended.WaitUntilCaughtUpAsync();
        Assert.Equal(["1", "2", "3", "4"], seen);
    }

    [Theory(Timeout = Minute), InlineData(1), InlineData(4), Guarantee("G37")]
    public async Task Failed_events_are_retried_parked_or_skipped_as_asked_and_hurt_no_other_consumer(int parallelism)
    {
        var tries = 0;
        var isMended = false;
        var other = new ConcurrentQueue<string>();
        await using var store = await Wire().BuildAsync();
        await AppendManyAsync(store, 1, 5);
        await using var parking = await store.Consumers.StartAsync("parking", ConsumerSource.Everything, (committed, token) =>
        {
            if ((string)committed.Body != "2" || isMended) return See(committed, token);
            Interlocked.Increment(ref tries);
            throw new InvalidOperationException("handler");
        }, Quick(options => (options.MaxRetries, options.OnFailure, options.Parallelism) = (2, FailureAction.Park, parallelism)));
        await using var skipping = await store.Consumers.StartAsync("skipping", ConsumerSource.Everything, (committed, _) =>
        {
            if ((string)committed.Body == "4") throw new InvalidOperationException("handler");
            other.Enqueue((string)committed.Body);
            return default;
        }, Quick(options => (options.MaxRetries, options.OnFailure) = (0, FailureAction.Skip)));
        await parking.WaitUntilCaughtUpAsync();
        await skipping.WaitUntilCaughtUpAsync();
        Assert.Equal(["1", "3", "4", "5"], seen.Order());
        Assert.Equal(["1", "2", "3", "5"], other);
        Assert.Equal(3, tries);
        Assert.Equal(1, (await parking.GetStatusAsync()).Parked);
        Assert.Equal(1, (await skipping.GetStatusAsync()).Skipped);
        Assert.Equal(["2"], (await ToListAsync(parking.GetParkedAsync())).Select(committed => (string)committed.Body));

        await Assert.ThrowsAsync<InvalidOperationException>(async () => await parking.ReplayParkedAsync());
        isMended = true;
        Assert.Equal(1, await parking.ReplayParkedAsync());
        Assert.Equal(0, (await parking.GetStatusAsync()).Parked);
        Assert.Equal("2", seen.Last());
    }

    [Fact(Timeout = Minute), Guarantee("G35")]
    public async Task No_more_is_out_than_the_window_is_wide_and_what_is_not_acknowledged_comes_again()
    {
        await using var store = await Wire().BuildAsync();
        await AppendManyAsync(store, 1, 10);
        await using (var consumer = await store.Consumers.OpenAsync("name", ConsumerSource.Everything, Quick(options => options.Window = 3)))
        {
            await using var pulling = consumer.GetAsyncEnumerator();
            var pulled = new List<Delivery>();
            for (var i = 0; i < 3; i++)
            {
                Assert.True(await pulling.MoveNextAsync());
                pulled.Add(pulling.Current);
            }

            var fourth = pulling.MoveNextAsync().AsTask();
            await Task.Delay(100, TestContext.Current.CancellationToken);
            Assert.False(fourth.IsCompleted, "an event was delivered beyond the window");
            await pulled[1].AcknowledgeAsync();
            Assert.True(await fourth);
            Assert.Equal("4", pulling.Current.Event.Body);
            await pulled[0].AcknowledgeAsync();
            await pulled[0].AcknowledgeAsync();
        }

        await using var again = await store.Consumers.OpenAsync("name", ConsumerSource.Everything, Quick());
        await foreach (var delivery in again)
        {
            seen.Enqueue((string)delivery.Event.Body);
            if (seen.Count < 8) continue;
            await delivery.AcknowledgeThroughAsync();
            break;
        }

        Assert.Equal(Enumerable.Range(3, 8).Select(i => $"{i}"), seen);
        await UntilAsync(() => again.Position.Value == 10);
    }

    [Fact(Timeout = Minute), Guarantee("G36")]
    public async Task Where_it_begins_is_honoured_only_the_first_time()
    {
        await using var store = await Wire().BuildAsync();
        await AppendManyAsync(store, 1, 4);
        await using (var current = await store.Consumers.StartAsync("current", ConsumerSource.Everything, See, Quick(options => options.StartFrom = ConsumerStart.Current)))
        {
            await store.AppendAsync("stream", "5");
            await current.WaitUntilCaughtUpAsync();
        }

        await using (var again = await store.Consumers.StartAsync("current", ConsumerSource.Everything, See, Quick(options => options.StartFrom = ConsumerStart.Origin)))
        {
            await store.AppendAsync("stream", "6");
            await again.WaitUntilCaughtUpAsync();
        }

        Assert.Equal(["5", "6"], seen);
        seen.Clear();
        await using var after = await store.Consumers.StartAsync("checkpoint", ConsumerSource.Everything, See, Quick(options => options.StartFrom = ConsumerStart.After(new Checkpoint(4))));
        await after.WaitUntilCaughtUpAsync();
        await using var revision = await store.Consumers.StartAsync("revision", ConsumerSource.OfStream("stream"), See, Quick(options => options.StartFrom = ConsumerStart.After(new Revision(5))));
        await revision.WaitUntilCaughtUpAsync();
        Assert.Equal(["5", "6", "6"], seen);
    }

    [Fact(Timeout = Minute), Guarantee("G36")]
    public async Task Caught_up_is_told_on_an_empty_or_missing_stream_and_again_after_falling_behind()
    {
        var told = 0;
        await using var store = await Wire().BuildAsync();
        await using var consumer = await store.Consumers.StartAsync("name", ConsumerSource.OfStream("missing"), See, Quick(options => options.CaughtUp = () => Interlocked.Increment(ref told)));
        await UntilAsync(() => Volatile.Read(ref told) == 1);
        await store.AppendAsync("elsewhere", "0");
        await store.AppendAsync("missing", "1");
        await consumer.WaitUntilCaughtUpAsync();
        await UntilAsync(() => Volatile.Read(ref told) >= 2);
        Assert.Equal(["1"], seen);
        Assert.Equal(0, (await consumer.GetStatusAsync()).Lag);
    }

    [Fact(Timeout = Minute), Guarantee("G36")]
    public async Task A_stream_that_is_deleted_and_made_anew_is_consumed_from_its_beginning()
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
        Assert.Equal(["1", "2", "3", "new 1", "newer 1", "newer 2", "newer 3", "newer 4"], seen);
    }

    [Fact(Timeout = Minute), Guarantee("G37")]
    public async Task Pausing_resuming_and_deleting_affect_only_the_one_consumer()
    {
        var other = new ConcurrentQueue<string>();
        await using var store = await Wire().BuildAsync();
        var paused = await store.Consumers.StartAsync("paused", ConsumerSource.Everything, See, Quick());
        await using var running = await store.Consumers.StartAsync("running", ConsumerSource.Everything, (committed, _) =>
        {
            other.Enqueue((string)committed.Body);
            return default;
        }, Quick());
        await paused.PauseAsync();
        Assert.Equal(ConsumerState.Paused, (await paused.GetStatusAsync()).State);
        await AppendManyAsync(store, 1, 3);
        await running.WaitUntilCaughtUpAsync();
        Assert.Empty(seen);
        Assert.Equal(3, other.Count);

        paused.Resume();
        await paused.WaitUntilCaughtUpAsync();
        Assert.Equal(["1", "2", "3"], seen);
        await Assert.ThrowsAsync<ConsumerTakenException>(async () => await store.Consumers.DeleteAsync("paused"));
        await paused.DisposeAsync();
        Assert.True(await store.Consumers.DeleteAsync("paused"));
        Assert.False(await store.Consumers.DeleteAsync("paused"));
        Assert.Equal(["running"], await ToListAsync(store.Consumers.ListAsync()));
        Assert.Equal(ConsumerState.Running, (await running.GetStatusAsync()).State);
    }

    [Fact(Timeout = Minute), Guarantee("G38")]
    public async Task When_every_wake_up_is_lost_events_come_within_the_poll_interval()
    {
        await using var store = await Wire(new NeverWakes(Engine)).BuildAsync();
        await using var consumer = await store.Consumers.StartAsync("name", ConsumerSource.Everything, See, Quick(options => options.PollInterval = TimeSpan.FromMilliseconds(200)));
        await UntilAsync(async () => (await consumer.GetStatusAsync()).State == ConsumerState.Running);
        for (var i = 1; i <= 3; i++)
        {
            await store.AppendAsync("stream", $"{i}");
            var started = TimeProvider.System.GetTimestamp();
            await UntilAsync(() => seen.Count == i);
            Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(5), "an event came long after the poll interval of 200 ms");
        }
    }

    [Fact(Timeout = Minute), Guarantee("G32")]
    public async Task A_batch_holds_one_stream_and_one_correlation_where_asked_and_never_more_than_its_size()
    {
        await using var store = await Wire().BuildAsync();
        for (var i = 0; i < 60; i++)
        {
            var headers = i % 5 == 0 ? null : new Dictionary<string, string> { [EventHeaders.CorrelationId] = $"{i / 7}" };
            await store.AppendAsync($"stream-{i / 10}", ExpectedRevision.Any, [$"{i}"], headers: headers);
        }

        var batches = new ConcurrentQueue<IReadOnlyList<CommittedEvent>>();
        await using var consumer = await store.Consumers.StartBatchesAsync("name", ConsumerSource.Everything, (batch, _) =>
        {
            batches.Enqueue(batch);
            return default;
        }, Quick(options => (options.BatchSize, options.Grouping) = (4, BatchGrouping.ByStreamAndCorrelation)));
        await consumer.WaitUntilCaughtUpAsync();
        Assert.Equal(Enumerable.Range(0, 60).Select(i => $"{i}"), batches.SelectMany(batch => batch).Select(committed => (string)committed.Body));
        Assert.All(batches, batch =>
        {
            Assert.InRange(batch.Count, 1, 4);
            Assert.Single(batch.Select(committed => (committed.Stream, committed.CommitHeaders.GetValueOrDefault(EventHeaders.CorrelationId))).Distinct());
        });
        Assert.Contains(batches, batch => batch.Count > 1);
    }

    [Fact(Timeout = Minute), Guarantee("G32")]
    public async Task Parallel_by_stream_keeps_the_order_of_every_stream_and_a_safe_position()
    {
        var handled = new ConcurrentDictionary<string, ConcurrentQueue<string>>();
        await using var store = await Wire().BuildAsync();
        for (var i = 0; i < 200; i++) await store.AppendAsync($"stream-{i % 7}", $"{i}");
        await using (var consumer = await store.Consumers.StartAsync("name", ConsumerSource.Everything, async (committed, token) =>
        {
            await Task.Delay(Random.Shared.Next(3), token);
            handled.GetOrAdd(committed.Stream.Id, _ => new()).Enqueue((string)committed.Body);
        }, Quick(options => (options.Parallelism, options.EventsPerCheckpoint) = (4, 1))))
        {
            await UntilAsync(() => handled.Values.Sum(stream => stream.Count) > 50);
        }

        // What was handled before it was stopped may come again, but never out of order, and nothing is left out.
        await using var again = await store.Consumers.StartAsync("name", ConsumerSource.Everything, (committed, _) =>
        {
            var stream = handled.GetOrAdd(committed.Stream.Id, _ => new());
            if (!stream.Contains((string)committed.Body)) stream.Enqueue((string)committed.Body);
            return default;
        }, Quick());
        await again.WaitUntilCaughtUpAsync();
        foreach (var (stream, events) in handled)
            Assert.Equal(Enumerable.Range(0, 200).Where(i => $"stream-{i % 7}" == stream).Select(i => $"{i}"), events);
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

    private ValueTask See(CommittedEvent committed, CancellationToken cancellationToken)
    {
        seen.Enqueue((string)committed.Body);
        return default;
    }

    private static ConsumerOptions Quick(Action<ConsumerOptions>? configure = null)
    {
        var options = new ConsumerOptions
        {
            PollInterval = TimeSpan.FromMilliseconds(100),
            FirstRetryDelay = TimeSpan.FromMilliseconds(5),
            MaxRetryDelay = TimeSpan.FromMilliseconds(50),
            LeaseTerm = TimeSpan.FromSeconds(3),
        };
        configure?.Invoke(options);
        return options;
    }

    private static async Task AppendMixAsync(IEventStore store, int round)
    {
        await store.AppendAsync(new StreamId("default", "a", "1"), $"a{round}");
        await store.AppendAsync(new StreamId("default", "b", "1"), $"b{round}");
        await store.AppendAsync(new StreamId("other", "c", "1"), $"c{round}");
    }

    private static async Task AppendManyAsync(IEventStore store, int first, int count)
    {
        for (var i = first; i < first + count; i++) await store.AppendAsync("stream", $"{i}");
    }

    private sealed class NeverWakes(IPersistenceEngine inner) : DelegatingEngine(inner)
    {
        public override ValueTask WaitForCommitsAsync(Checkpoint after, TimeSpan atMost, CancellationToken cancellationToken = default) => new(Task.Delay(atMost, cancellationToken));
    }

    private sealed class HidesAndShouts : IPipelineHook
    {
        public CommittedEvent? Select(CommittedEvent committed) => (string)committed.Body == "2" ? null : committed.WithBody(committed.Body + "!");
    }
}
