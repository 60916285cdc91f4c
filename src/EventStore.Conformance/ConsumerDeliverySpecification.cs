using System.Collections.Concurrent;
using Xunit;

namespace EventStore.Conformance;

/// <summary>How consumers deliver: windows, batches, lanes and pauses, and what happens to events whose handler fails.</summary>
public abstract class ConsumerDeliverySpecification<TBackend> : ConsumerFacts<TBackend> where TBackend : IBackend, new()
{
    private const int Minute = 60_000;

    [Fact(Timeout = Minute), Guarantee("G32", "G37")]
    public async Task A_handler_that_fails_permanently_stops_the_consumer_before_the_event_where_it_starts_again()
    {
        await using var store = await Wire().BuildAsync();
        await AppendManyAsync(store, 1, 4);
        await using (var failing = await store.Consumers.StartAsync(
            "name", ConsumerSource.Everything, (committed, token) => (string)committed.Body == "3"
                ? throw new InvalidOperationException("handler")
                : See(committed, token), Quick(options => options.MaxRetries = 0)))
        {
            var stopped = await Assert.ThrowsAsync<ConsumerStoppedException>(() => failing.Completion);
            Assert.Equal(("name", 3L), (stopped.Name, stopped.Checkpoint.Value));
            Assert.Equal(2, failing.Position.Value);
            await Assert.ThrowsAsync<InvalidOperationException>(async () => await failing.WaitForAsync(new Checkpoint(4)));
        }

        await using var repaired = await store.Consumers.StartAsync("name", ConsumerSource.Everything, See, Quick());
        await repaired.WaitUntilCaughtUpAsync();
        Assert.Equal(["1", "2", "3", "4"], Seen);
    }

    [Theory(Timeout = Minute), InlineData(1), InlineData(4), Guarantee("G37")]
    public async Task Failed_events_are_retried_parked_or_skipped_as_configured_without_effect_on_other_consumers(int parallelism)
    {
        var tries = 0;
        var isRepaired = false;
        var other = new ConcurrentQueue<string>();
        await using var store = await Wire().BuildAsync();
        await AppendManyAsync(store, 1, 5);
        await using var parking = await store.Consumers.StartAsync("parking", ConsumerSource.Everything, (committed, token) =>
        {
            if ((string)committed.Body != "2" || isRepaired) return See(committed, token);
            Interlocked.Increment(ref tries);
            throw new InvalidOperationException("handler");
        }, Quick(options => (options.MaxRetries, options.FailureAction, options.Parallelism) = (2, FailureAction.Park, parallelism)));
        await using var skipping = await store.Consumers.StartAsync("skipping", ConsumerSource.Everything, (committed, _) =>
        {
            if ((string)committed.Body == "4") throw new InvalidOperationException("handler");
            other.Enqueue((string)committed.Body);
            return default;
        }, Quick(options => (options.MaxRetries, options.FailureAction) = (0, FailureAction.Skip)));
        await parking.WaitUntilCaughtUpAsync();
        await skipping.WaitUntilCaughtUpAsync();
        Assert.Equal(["1", "3", "4", "5"], Seen.Order());
        Assert.Equal(["1", "2", "3", "5"], other);
        Assert.Equal(3, tries);
        Assert.Equal(1, (await parking.GetStatusAsync()).Parked);
        Assert.Equal(1, (await skipping.GetStatusAsync()).Skipped);
        Assert.Equal(["2"], (await ToListAsync(parking.GetParkedAsync())).Select(committed => (string)committed.Body));

        await Assert.ThrowsAsync<InvalidOperationException>(async () => await parking.ReplayParkedAsync());
        isRepaired = true;
        Assert.Equal(1, await parking.ReplayParkedAsync());
        Assert.Equal(0, (await parking.GetStatusAsync()).Parked);
        Assert.Equal("2", Seen.Last());
    }

    [Fact(Timeout = Minute), Guarantee("G35")]
    public async Task No_more_events_are_pulled_than_the_window_holds_and_unacknowledged_ones_are_delivered_again()
    {
        await using var store = await Wire().BuildAsync();
        await AppendManyAsync(store, 1, 10);
        await using (var consumer = await store.Consumers.OpenAsync(
            "name", ConsumerSource.Everything, Quick(options => options.Window = 3)))
        {
            await using var pulling = consumer.GetAsyncEnumerator();
            var pulled = new List<Delivery>();
            for (var i = 0; i < 3; i++)
            {
                Assert.True(await pulling.MoveNextAsync());
                pulled.Add(pulling.Current);
            }

            // Another consumer has all ten by then, so there was time to deliver the fourth.
            var fourth = pulling.MoveNextAsync().AsTask();
            await using (var other = await store.Consumers.StartAsync(
                    "other", ConsumerSource.Everything, (_, _) => default, Quick())) await other.WaitForAsync(new Checkpoint(10));
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
            Seen.Enqueue((string)delivery.Event.Body);
            if (Seen.Count < 8) continue;
            await delivery.AcknowledgeThroughAsync();
            break;
        }

        Assert.Equal(Enumerable.Range(3, 8).Select(i => $"{i}"), Seen);
        await UntilAsync(() => again.Position.Value == 10);
    }

    [Fact(Timeout = Minute), Guarantee("G37")]
    public async Task Pausing_resuming_and_deleting_affect_only_one_consumer()
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
        Assert.Empty(Seen);
        Assert.Equal(3, other.Count);

        paused.Resume();
        await paused.WaitUntilCaughtUpAsync();
        Assert.Equal(["1", "2", "3"], Seen);
        await Assert.ThrowsAsync<ConsumerTakenException>(async () => await store.Consumers.DeleteAsync("paused"));
        await paused.DisposeAsync();
        Assert.True(await store.Consumers.DeleteAsync("paused"));
        Assert.False(await store.Consumers.DeleteAsync("paused"));
        Assert.Equal(["running"], await ToListAsync(store.Consumers.ListAsync()));
        Assert.Equal(ConsumerState.Running, (await running.GetStatusAsync()).State);
    }

    [Fact(Timeout = Minute), Guarantee("G37")]
    public async Task A_consumer_paused_while_a_failed_event_waits_for_its_retry_can_be_stopped()
    {
        await using var store = await Wire().BuildAsync();
        await AppendManyAsync(store, 1, 1);
        var hasFailed = new TaskCompletionSource();
        var consumer = await store.Consumers.StartAsync("name", ConsumerSource.Everything, (_, _) =>
        {
            hasFailed.TrySetResult();
            throw new InvalidOperationException("handler");
        }, Quick(options => (options.FirstRetryDelay, options.MaxRetryDelay) = (
            TimeSpan.FromMilliseconds(500), TimeSpan.FromMilliseconds(500))));
        await hasFailed.Task;
        await consumer.PauseAsync();
        await consumer.DisposeAsync();
        Assert.Equal(0, consumer.Position.Value);
    }

    [Fact(Timeout = Minute), Guarantee("G38")]
    public async Task If_every_signal_is_lost_events_are_delivered_within_the_poll_interval()
    {
        var interval = TimeSpan.FromSeconds(20);
        await using var store = await Wire(new NeverWakes(Engine, Time)).BuildAsync();
        await using var consumer = await store.Consumers.StartAsync(
            "name",
            ConsumerSource.Everything,
            See,
            Quick(options => (options.PollInterval, options.LeaseTerm) = (interval, 10 * interval)));
        await UntilAsync(async () => (await consumer.GetStatusAsync()).State == ConsumerState.Running);
        for (var i = 1; i <= 3; i++)
        {
            await store.AppendAsync("stream", $"{i}");
            var started = Time.GetTimestamp();
            await UntilAsync(() => Task.FromResult(Seen.Count == i), interval / 4);
            Assert.True(Time.GetElapsedTime(started) < 2 * interval, "an event came long after the poll interval");
        }
    }

    [Fact(Timeout = Minute), Guarantee("G32")]
    public async Task A_grouped_batch_holds_one_stream_and_one_correlation_and_never_more_than_its_size()
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
        Assert.Equal(
            Enumerable.Range(0, 60).Select(i => $"{i}"), batches.SelectMany(batch => batch).Select(committed => (string)committed.Body));
        Assert.All(batches, batch =>
        {
            Assert.InRange(batch.Count, 1, 4);
            Assert.Single(
                batch.Select(
                    committed => (committed.Stream, committed.CommitHeaders.GetValueOrDefault(EventHeaders.CorrelationId))).Distinct());
        });
        Assert.Contains(batches, batch => batch.Count > 1);
    }

    [Fact(Timeout = Minute), Guarantee("G32")]
    public async Task Parallel_delivery_keeps_the_order_of_every_stream_and_a_safe_position()
    {
        var handled = new ConcurrentDictionary<string, ConcurrentQueue<string>>();
        await using var store = await Wire().BuildAsync();
        for (var i = 0; i < 200; i++) await store.AppendAsync($"stream-{i % 7}", $"{i}");
        await using (var consumer = await store.Consumers.StartAsync("name", ConsumerSource.Everything, async (committed, _) =>
        {
            for (var hops = Random.Shared.Next(3); hops > 0; hops--) await Task.Yield();
            handled.GetOrAdd(committed.Stream.Id, _ => new()).Enqueue((string)committed.Body);
        }, Quick(options => (options.Parallelism, options.EventsPerCheckpoint) = (4, 1))))
        {
            await UntilAsync(() => handled.Values.Sum(stream => stream.Count) > 50);
        }

        // Events handled before the stop may be delivered again, but never out of order, and none is missing.
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

    private sealed class NeverWakes(IPersistenceEngine inner, TimeProvider time) : DelegatingEngine(inner)
    {
        public override ValueTask WaitForCommitsAsync(Checkpoint after, TimeSpan atMost, CancellationToken cancellationToken = default) =>
            new(Task.Delay(atMost, time, cancellationToken));
    }
}
