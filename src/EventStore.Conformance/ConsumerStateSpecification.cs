using System.Security.Cryptography;
using System.Text;
using Xunit;

namespace EventStore.Conformance;

/// <summary>State and position of a consumer change together or not at all, and one process at a time may change them.</summary>
public abstract class ConsumerStateSpecification<TBackend> : ConsumerFacts<TBackend> where TBackend : IBackend, new()
{
    private const int Minute = 60_000;

    // The state is all texts, so that a lost, repeated or misplaced event is visible.
    private static readonly Projection<string> Collect = CollectAfter("");

    // A state that is kept in a document of its own, compressed or not.
    private static readonly Projection<string> CollectLarge = CollectAfter(Convert.ToBase64String(RandomNumberGenerator.GetBytes(40_000)));

    [Theory(Timeout = Minute), InlineData(1), InlineData(10), Guarantee("G33")]
    public async Task After_any_number_of_restarts_the_state_is_the_fold_of_the_events(int eventsPerCheckpoint)
    {
        await using var store = await Wire().BuildAsync();
        for (var round = 0; round < 20; round++)
        {
            for (var i = 0; i < 5; i++) await store.AppendAsync($"stream-{i % 2}", $"{(round * 5) + i}");
            await using var consumer = await store.Consumers.StartAsync(
                "name", ConsumerSource.Everything, Collect, Quick(options => options.EventsPerCheckpoint = eventsPerCheckpoint));
            if (round % 3 != 0) await consumer.WaitForAsync(new Checkpoint((round * 5) + (round % 5)));
        }

        await using var last = await store.Consumers.StartAsync("name", ConsumerSource.Everything, Collect, Quick());
        await last.WaitUntilCaughtUpAsync();
        Assert.Equal(string.Concat(Enumerable.Range(0, 100).Select(i => $"{i},")), last.State);
    }

    [Fact(Timeout = Minute), Guarantee("G33")]
    public async Task If_a_state_cannot_be_written_its_position_is_not_written_either()
    {
        var forgetting = new ForgetsDocuments(Engine, puts: int.MaxValue);
        await using var store = await Wire(forgetting).BuildAsync();
        await store.AppendAsync("stream", "1");
        await using (var consumer = await store.Consumers.StartAsync("name", ConsumerSource.Everything, Collect, Quick()))
        {
            await consumer.WaitUntilCaughtUpAsync();
            await UntilAsync(
                async () => (await DocumentAsync("consumers/name")).Content.Length > 0 && !(await HasUnwrittenAsync(consumer)));
            forgetting.StopTaking();
            await store.AppendAsync("stream", "2");
            await consumer.WaitUntilCaughtUpAsync();
            Assert.Equal("1,2,", consumer.State);
        }

        forgetting.TakeAgain();
        await using var again = await AfterItsTermAsync(
            store.Consumers.StartAsync("name", ConsumerSource.Everything, Collect, Quick()).AsTask());
        await again.WaitUntilCaughtUpAsync();
        Assert.Equal("1,2,", again.State);
    }

    [Theory(Timeout = Minute), InlineData(false), InlineData(true), Guarantee("G33", "G34")]
    public async Task A_holder_that_stops_renewing_is_replaced_after_its_term_and_cannot_overwrite_newer_progress(bool isLarge)
    {
        var projection = isLarge ? CollectLarge : Collect;
        var dying = new ForgetsDocuments(Engine, puts: int.MaxValue);
        await using var first = await Wire(dying).BuildAsync();
        await using var second = await Wire().BuildAsync();
        await first.AppendAsync("stream", "1");
        await using var holder = await first.Consumers.StartAsync("name", ConsumerSource.Everything, projection, Quick());
        await using var waiting = await second.Consumers.StartAsync(
            "name", ConsumerSource.Everything, projection, Quick(options => options.WhenTaken = WhenTaken.Wait));
        await holder.WaitUntilCaughtUpAsync();
        Assert.Equal(ConsumerState.Waiting, (await waiting.GetStatusAsync()).State);

        dying.StopTaking();
        await second.AppendAsync("stream", "2");
        await AfterItsTermAsync(waiting.WaitForAsync(new Checkpoint(2)).AsTask());
        Assert.Equal(projection.Initial + "1,2,", waiting.State);

        // The first continues, finds that it was replaced, and writes nothing.
        dying.TakeAgain();
        await second.AppendAsync("stream", "3");
        await waiting.WaitForAsync(new Checkpoint(3));
        await Assert.ThrowsAsync<ConsumerTakenException>(() => AfterItsTermAsync(holder.Completion));
        Assert.Equal(projection.Initial + "1,2,3,", waiting.State);
        await waiting.DisposeAsync();
        await using var again = await second.Consumers.StartAsync("name", ConsumerSource.Everything, projection, Quick());
        Assert.Equal(projection.Initial + "1,2,3,", again.State);
    }

    [Theory(Timeout = Minute), InlineData(false), InlineData(true), Guarantee("G33")]
    public async Task What_a_holder_wrote_before_it_was_replaced_and_arrives_after_is_refused(bool isLarge)
    {
        var projection = isLarge ? CollectLarge : Collect;
        var delaying = new DelaysDocuments(Engine);
        await using var first = await Wire(delaying).BuildAsync();
        await using var second = await Wire().BuildAsync();
        await first.AppendAsync("stream", "1");
        await using var holder = await first.Consumers.StartAsync("name", ConsumerSource.Everything, projection, Quick());
        await using var waiting = await second.Consumers.StartAsync(
            "name", ConsumerSource.Everything, projection, Quick(options => options.WhenTaken = WhenTaken.Wait));
        await holder.WaitUntilCaughtUpAsync();

        delaying.Hold();
        await second.AppendAsync("stream", "2");
        await AfterItsTermAsync(waiting.WaitForAsync(new Checkpoint(2)).AsTask());
        Assert.True(
            await delaying.ReleaseAsync() is null, "a position was written at a version that another process had replaced long before");
        await Assert.ThrowsAsync<ConsumerTakenException>(() => holder.Completion);
        Assert.Equal(projection.Initial + "1,2,", waiting.State);
    }

    [Fact(Timeout = Minute), Guarantee("G33", "G34")]
    public async Task A_large_state_of_a_replaced_holder_that_arrives_late_costs_its_successor_nothing()
    {
        var (late, later, log) = (new DelaysDocuments(Engine), new DelaysDocuments(Engine), new CollectsLogs());
        await using var first = await Wire(late).BuildAsync();
        await using var second = await Wire(later).UsingLoggerFactory(log).BuildAsync();
        await first.AppendAsync("stream", "1");
        await using var holder = await first.Consumers.StartAsync("name", ConsumerSource.Everything, CollectLarge, Quick());
        await using var successor = await second.Consumers.StartAsync(
            "name", ConsumerSource.Everything, CollectLarge, Quick(options => options.WhenTaken = WhenTaken.Wait));
        await UntilAsync(async () => (await Engine.FindDocumentAsync("consumer-states/1/name")) is not null);
        late.Hold("consumer-states/");
        later.Hold("consumer-states/");
        await second.AppendAsync("stream", "2");
        await late.Held;
        late.Hold();
        await AfterItsTermAsync(later.Held);

        // The state of the first arrives between what the second has read of it and what it writes.
        await late.ReleaseAsync();
        await UntilAsync(async () => (await Engine.FindDocumentAsync("consumer-states/2/name")) is not null);
        await later.ReleaseAsync();
        await successor.WaitForAsync((await second.AppendAsync("stream", "3")).LastCheckpoint);
        await UntilAsync(async () => !await HasUnwrittenAsync(successor));
        Assert.Equal(CollectLarge.Initial + "1,2,3,", successor.State);
        Assert.DoesNotContain(log.Lines, line => line.Contains("took over", StringComparison.Ordinal));
    }

    [Fact(Timeout = Minute), Guarantee("G34")]
    public async Task A_second_subscriber_gets_a_typed_error_or_waits_and_takes_over_when_the_first_stops()
    {
        await using var first = await Wire().BuildAsync();
        await using var second = await Wire().BuildAsync();
        var holder = await first.Consumers.StartAsync("name", ConsumerSource.Everything, Collect, Quick());
        await Assert.ThrowsAsync<ConsumerTakenException>(
            async () => await first.Consumers.StartAsync("name", ConsumerSource.Everything, Collect, Quick()));
        await Assert.ThrowsAsync<ConsumerTakenException>(
            () => AfterItsTermAsync(second.Consumers.StartAsync("name", ConsumerSource.Everything, Collect, Quick()).AsTask()));
        await using var waiting = await second.Consumers.StartAsync(
            "name", ConsumerSource.Everything, Collect, Quick(options => options.WhenTaken = WhenTaken.Wait));
        var result = await first.AppendAsync("stream", "1");
        await holder.WaitForAsync(result.LastCheckpoint);
        Assert.Equal("1,", holder.State);

        await holder.DisposeAsync();
        await waiting.WaitForAsync(result.LastCheckpoint);
        Assert.Equal("1,", waiting.State);
        Assert.Equal(ConsumerState.Running, (await waiting.GetStatusAsync()).State);
    }

    [Fact(Timeout = Minute), Guarantee("G33")]
    public async Task A_caller_reads_its_own_writes_by_waiting_for_their_checkpoint()
    {
        await using var store = await Wire().BuildAsync();
        await using var consumer = await store.Consumers.StartAsync("name", ConsumerSource.OfStream("stream"), Collect, Quick());
        for (var i = 0; i < 20; i++)
        {
            await store.AppendAsync("elsewhere", "x");
            var result = await store.AppendAsync("stream", $"{i}");
            await consumer.WaitForAsync(result.LastCheckpoint);
            Assert.EndsWith($"{i},", consumer.State, StringComparison.Ordinal);
        }
    }

    [Fact(Timeout = Minute), Guarantee("G33")]
    public async Task A_state_of_another_schema_version_is_computed_again_from_the_start()
    {
        await using var store = await Wire().BuildAsync();
        await store.AppendAsync("stream", ExpectedRevision.Any, ["1", "2"]);
        await using (var old = await store.Consumers.StartAsync(
                "name", ConsumerSource.Everything, Collect, Quick())) await old.WaitUntilCaughtUpAsync();

        var counting = new Projection<string>("|", (state, _) => state + "|") { SchemaVersion = 2 };
        await using var renewed = await store.Consumers.StartAsync("name", ConsumerSource.Everything, counting, Quick());
        await renewed.WaitUntilCaughtUpAsync();
        Assert.Equal("|||", renewed.State);
    }

    [Fact(Timeout = Minute), Guarantee("G33", "G48")]
    public async Task A_consumer_ahead_of_its_store_is_refused()
    {
        await using var store = await Wire().BuildAsync();
        await store.AppendAsync("stream", "1");
        await using (var consumer = await store.Consumers.StartAsync(
                "name", ConsumerSource.Everything, Collect, Quick())) await consumer.WaitUntilCaughtUpAsync();

        var document = await DocumentAsync("consumers/name");
        var ahead = Encoding.UTF8.GetString(document.Content.Span).Replace(
            "\"checkpoint\":1", "\"checkpoint\":99", StringComparison.Ordinal);
        await Engine.PutDocumentAsync(document.Name, Encoding.UTF8.GetBytes(ahead), document.Version);
        var refused = await Assert.ThrowsAsync<PositionAheadException>(
            async () => await store.Consumers.StartAsync("name", ConsumerSource.Everything, Collect, Quick()));
        Assert.Equal((99L, 1L), (refused.Position.Value, refused.Head.Value));
    }

    [Fact(Timeout = Minute), Guarantee("G33", "G37")]
    public async Task A_parked_event_that_is_replayed_is_applied_to_the_state_and_stays_there()
    {
        var isRepaired = false;
        var failing = new Projection<string>(
            "",
            (state, committed) => (string)committed.Body == "2" && !isRepaired
                ? throw new InvalidOperationException("not yet")
                : $"{state}{committed.Body},");
        await using var store = await Wire().BuildAsync();
        await AppendManyAsync(store, 1, 3);
        void Park(ConsumerOptions options) => (options.MaxRetries, options.FailureAction) = (0, FailureAction.Park);
        await using (var consumer = await store.Consumers.StartAsync("name", ConsumerSource.Everything, failing, Quick(Park)))
        {
            await consumer.WaitUntilCaughtUpAsync();
            Assert.Equal("1,3,", consumer.State);
            await Assert.ThrowsAsync<InvalidOperationException>(async () => await consumer.ReplayParkedAsync());
            Assert.Equal("1,3,", consumer.State);

            // Live events are delivered meanwhile.
            isRepaired = true;
            var appending = AppendManyAsync(store, 4, 30);
            Assert.Equal(1, await consumer.ReplayParkedAsync());
            await appending;
            await consumer.WaitUntilCaughtUpAsync();
            Assert.Equal((0, 33), ((await consumer.GetStatusAsync()).Parked, consumer.State.Count(',')));
        }

        await using var again = await store.Consumers.StartAsync("name", ConsumerSource.Everything, failing, Quick(Park));
        await again.WaitUntilCaughtUpAsync();
        Assert.Equal(Enumerable.Range(1, 33).Select(i => $"{i}").Order(), again.State.TrimEnd(',').Split(',').Order());
        Assert.Equal(0, (await again.GetStatusAsync()).Parked);
    }

    [Fact(Timeout = Minute), Guarantee("G33")]
    public async Task A_state_that_cannot_be_stored_is_refused_at_the_start_and_the_name_is_free()
    {
        await using var store = await Wire().BuildAsync();
        await store.AppendAsync("stream", "1");
        var unknown = new Projection<StringBuilder>(new StringBuilder(), (state, _) => state);
        await Assert.ThrowsAsync<TypeNotRegisteredException>(
            async () => await store.Consumers.StartAsync("name", ConsumerSource.Everything, unknown, Quick()));
        await using var consumer = await store.Consumers.StartAsync("name", ConsumerSource.Everything, Collect, Quick());
        await consumer.WaitForAsync(new Checkpoint(1));
        Assert.Equal("1,", consumer.State);
    }

    [Theory(Timeout = Minute), InlineData(false), InlineData(true), Guarantee("G33", "G37")]
    public async Task A_projection_that_returns_null_fails_at_that_event_and_keeps_its_state(bool isAsynchronous)
    {
        // An element that was never set is null, whatever its type says.
        var unset = new string[1];
        async ValueTask<string> ApplyAsync(string state, CommittedEvent committed)
        {
            if (isAsynchronous) await Task.Yield();
            return (string)committed.Body == "3" ? unset[0] : $"{state}{committed.Body},";
        }

        var forgetful = new Projection<string>("", (state, committed, _) => ApplyAsync(state, committed));
        await using var store = await Wire().BuildAsync();
        await store.AppendAsync("stream", ExpectedRevision.Any, ["1", "2", "3", "4"]);
        await using (var failing = await store.Consumers.StartAsync(
            "name", ConsumerSource.Everything, forgetful, Quick(options => options.FailureAction = FailureAction.Skip)))
        {
            // It is no failure that passes, so it is not tried again, which it is without a limit by default.
            var failure = await Assert.ThrowsAsync<ProjectionException>(() => failing.Completion);
            Assert.Equal(("name", new StreamId("stream"), 3L), (failure.Name, failure.Stream, failure.Checkpoint.Value));
        }

        await using var repaired = await store.Consumers.StartAsync("name", ConsumerSource.Everything, Collect, Quick());
        await repaired.WaitUntilCaughtUpAsync();
        Assert.Equal("1,2,3,4,", repaired.State);
    }

    private static Projection<string> CollectAfter(string begin) => new(begin, (state, committed) => $"{state}{committed.Body},");

    // Lets the term of a lease pass, in steps in which a live holder renews it.
    private async Task AfterItsTermAsync(Task outcome)
    {
        await UntilAsync(() => Task.FromResult(outcome.IsCompleted), Term / 3);
        await outcome;
    }

    private async Task<T> AfterItsTermAsync<T>(Task<T> outcome)
    {
        await AfterItsTermAsync((Task)outcome);
        return await outcome;
    }

    private static async Task<bool> HasUnwrittenAsync(IConsumer consumer) =>
        (await consumer.GetStatusAsync()).Position != consumer.Position;
}
