using Xunit;

namespace EventStore.Conformance;

/// <summary>
/// A reader that has seen more than the store holds gets a typed error. The storage lost its end, or an older copy was put in its place.
/// Nothing is passed over in silence.
/// </summary>
public abstract class SetBackSpecification<TBackend> : ConsumerFacts<TBackend> where TBackend : IBackend, new()
{
    private const int Minute = 60_000;
    private static readonly StreamId Stream = new("default", "a", "1");

    public static TheoryData<string> Kinds { get; } = ["everything", "stream", "category", "condition", "links"];

    [Theory(Timeout = Minute), MemberData(nameof(Kinds)), Guarantee("G14", "G32")]
    public async Task A_running_consumer_and_one_that_is_started_again_end_with_an_error(string kind)
    {
        var older = new ShowsOlder(Engine);
        await using var store = await Wire(older).BuildAsync();
        await FillAsync(store);
        await using (var consumer = await store.Consumers.StartAsync("name", SourceOf(kind), See, Quick()))
        {
            await consumer.WaitUntilCaughtUpAsync();
            await UntilAsync(async () => (await consumer.GetStatusAsync()).Position.Value == 6);
            older.Show(new Checkpoint(4));
            var ended = await Assert.ThrowsAsync<PositionAheadException>(() => consumer.Completion);
            Assert.Equal((6L, 4L), (ended.Position.Value, ended.Head.Value));
        }

        await Assert.ThrowsAsync<PositionAheadException>(
            async () => await store.Consumers.StartAsync("name", SourceOf(kind), See, Quick()));

        // Where the end is back, the consumer goes on.
        older.Show(Checkpoint.Max);
        await store.AppendAsync(Stream, "7");
        await using var again = await store.Consumers.StartAsync("name", SourceOf(kind), See, Quick());
        await again.WaitUntilCaughtUpAsync();
        Assert.Equal("7", Seen.Last());
    }

    [Theory(Timeout = Minute), MemberData(nameof(Kinds)), Guarantee("G14", "G32")]
    public async Task A_subscription_ends_with_an_error(string kind)
    {
        var older = new ShowsOlder(Engine);
        await using var store = await Wire(older).BuildAsync();
        await FillAsync(store);
        await using var subscription = store.Consumers.SubscribeAsync(SourceOf(kind)).GetAsyncEnumerator();
        for (var i = 1; i <= 6; i++) Assert.True(await subscription.MoveNextAsync());
        older.Show(new Checkpoint(4));
        await Assert.ThrowsAsync<PositionAheadException>(async () => await subscription.MoveNextAsync());
    }

    [Fact(Timeout = Minute), Guarantee("G14", "G39")]
    public async Task A_read_stream_that_links_more_than_the_store_holds_throws()
    {
        var older = new ShowsOlder(Engine);
        await using var store = await Wire(older).BuildAsync();
        await FillAsync(store);
        await store.ReadStreams.CreateAsync("again", EventPredicate.Category("a"));
        older.Show(new Checkpoint(4));
        await Assert.ThrowsAsync<PositionAheadException>(async () => await ToListAsync(store.ReadStreams.ReadAsync("again")));
    }

    [Fact(Timeout = Minute), Guarantee("G14", "G18")]
    public async Task A_token_of_a_page_that_saw_more_than_the_store_holds_throws()
    {
        var older = new ShowsOlder(Engine);
        await using var store = await Wire(older).BuildAsync();
        await FillAsync(store);
        foreach (var direction in new[] { ReadDirection.Forward, ReadDirection.Backward })
        {
            var query = new EventQuery { Direction = direction };
            var token = (await store.ReadPageAsync(query, 2)).Continuation;
            older.Show(new Checkpoint(4));
            await Assert.ThrowsAsync<PositionAheadException>(async () => await store.ReadPageAsync(query, 2, token));
            older.Show(Checkpoint.Max);
        }
    }

    [Theory(Timeout = Minute), InlineData(ReadDirection.Forward), InlineData(ReadDirection.Backward), Guarantee("G14", "G15")]
    public async Task A_read_whose_next_page_shows_less_than_the_page_before_throws(ReadDirection direction)
    {
        var older = new ShowsOlder(Engine);
        await using var store = await Wire(older).BuildAsync();
        for (var i = 0; i < 3; i++)
            await store.AppendAsync(Stream, ExpectedRevision.Any, [.. Enumerable.Range(0, 500).Select(_ => new EventMessage("x"))]);
        var read = store.ReadAllAsync(new EventQuery { Direction = direction }).GetAsyncEnumerator();
        await using (read.ConfigureAwait(false))
        {
            Assert.True(await read.MoveNextAsync());
            older.Show(new Checkpoint(1_400));
            await Assert.ThrowsAsync<PositionAheadException>(async () =>
            {
                while (await read.MoveNextAsync())
                {
                    // The page before, and one that was read ahead, are whole.
                }
            });
        }
    }

    [Fact(Timeout = Minute), Guarantee("G14", "G26")]
    public async Task A_dispatcher_that_dispatched_more_than_the_store_holds_reports_it_and_dispatches_nothing()
    {
        var older = new ShowsOlder(Engine);
        var (log, dispatched) = (new CollectsLogs(), 0);
        await using var store = await Wire(older).UsingLoggerFactory(log).UsingAsynchronousDispatchScheduler()
            .DispatchTo((Commit _, CancellationToken _) =>
            {
                Interlocked.Increment(ref dispatched);
                return default;
            }).BuildAsync();
        await FillAsync(store);
        await store.Dispatch.WaitUntilDispatchedAsync();
        await UntilAsync(async () => (await store.Dispatch.GetStatusAsync()).Watermark.Value == 6);
        older.Show(new Checkpoint(4));
        await Assert.ThrowsAsync<PositionAheadException>(async () => await ToListAsync(store.Dispatch.GetUndispatchedAsync()));
        await UntilAsync(() => log.Lines.Any(line => line.Contains(nameof(PositionAheadException), StringComparison.Ordinal)));
        Assert.Equal(6, Volatile.Read(ref dispatched));
    }

    [Fact(Timeout = Minute), Guarantee("G14", "G36")]
    public async Task Consumers_and_read_streams_kept_elsewhere_are_refused_by_a_store_that_was_created_again()
    {
        await using (var store = await WireLifeAsync())
        {
            await FillAsync(store);
            await using var consumer = await store.Consumers.StartAsync("name", ConsumerSource.Everything, See, Quick());
            await using var waiting = await store.Consumers.StartAsync("waiting", ConsumerSource.Everything, See, Quick());
            await consumer.WaitUntilCaughtUpAsync();
            await waiting.WaitUntilCaughtUpAsync();
        }

        await using var again = await WireLifeAsync();
        for (var i = 1; i <= 9; i++) await again.AppendAsync(Stream, $"{i}");
        var refused = await Assert.ThrowsAsync<ConsumerChangedException>(
            async () => await again.Consumers.StartAsync("name", ConsumerSource.Everything, See, Quick()));
        Assert.Contains("another store", refused.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ConsumerChangedException>(async () => await again.Consumers.StartAsync(
            "waiting", ConsumerSource.Everything, See, Quick(options => options.WhenTaken = WhenTaken.Wait)));
        await Assert.ThrowsAsync<ReadStreamException>(async () => await ToListAsync(again.ReadStreams.ReadAsync("links")));

        // What its message advises works.
        Assert.True(await again.Consumers.DeleteAsync("name"));
        Seen.Clear();
        await using var begun = await again.Consumers.StartAsync("name", ConsumerSource.Everything, See, Quick());
        await begun.WaitUntilCaughtUpAsync();
        Assert.Equal(9, Seen.Count);
        Assert.True(await again.ReadStreams.DropAsync("links"));
    }

    // A store that is deleted when it is closed, whose consumers are kept in the engine under test.
    private ValueTask<IEventStore> WireLifeAsync() => Wireup.Init().UsingInMemoryPersistence().KeepConsumersIn(Engine)
        .UsingCustomSerialization(TextSerializer.Instance).UsingTimeProvider(Time).LeaveReadStreamsUnsigned().BuildAsync();

    private static async Task FillAsync(IEventStore store)
    {
        await store.ReadStreams.CreateAsync("links", EventPredicate.Category("a"));
        for (var i = 1; i <= 6; i++) await store.AppendAsync(Stream, $"{i}");
    }

    private static ConsumerSource SourceOf(string kind) => kind switch
    {
        "stream" => ConsumerSource.OfStream(Stream),
        "category" => ConsumerSource.OfCategory("a"),
        "condition" => ConsumerSource.Matching(EventPredicate.Category("a")),
        "links" => ConsumerSource.OfReadStream("links"),
        _ => ConsumerSource.Everything,
    };

    // Shows the store as it was at a checkpoint. Documents stay, as where they are kept elsewhere.
    private sealed class ShowsOlder(IPersistenceEngine inner) : DelegatingEngine(inner)
    {
        private long newest = long.MaxValue;

        public void Show(Checkpoint upTo) => Volatile.Write(ref newest, upTo.Value);

        public override async ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default)
        {
            var upTo = new Checkpoint(Volatile.Read(ref newest));
            if (read.After >= upTo) return new StorePage(default, read.After, upTo, IsEnd: true);
            var page = await base.ReadAllAsync(
                read with { UpTo = read.UpTo < upTo ? read.UpTo : upTo }, cancellationToken);
            return page.Head > upTo ? page with { Head = upTo } : page;
        }

        public override async ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default)
        {
            var page = await base.ReadStreamAsync(read, cancellationToken);
            var upTo = Volatile.Read(ref newest);
            var shown = page.Events.ToArray().Where(recorded => recorded.Checkpoint.Value <= upTo).ToArray();
            return shown.Length == page.Events.Length ? page : page with { Events = shown, IsEnd = true };
        }
    }
}
