using System.Collections.Concurrent;
using Xunit;

namespace EventStore.Conformance;

/// <summary>
/// Where a consumer begins is decided once, and every event after that is delivered. This holds for every source and start, at the
/// boundaries of pages, and while others append.
/// </summary>
public abstract class ConsumerStartSpecification<TBackend> : ConsumerFacts<TBackend> where TBackend : IBackend, new()
{
    private const int Minute = 60_000;

    // The state is all texts, so that a lost, repeated or misplaced event is visible.
    private static readonly Projection<string> Collect = new("", (state, committed) => $"{state}{committed.Body},");

    private static readonly StreamId Stream = new("default", "a", "1");
    private static readonly StreamId Neighbor = new("default", "b", "1");

    [Theory(Timeout = Minute), InlineData(0), InlineData(1), InlineData(511), InlineData(512), InlineData(513), InlineData(1025)]
    [Guarantee("G32", "G36")]
    public async Task Every_event_after_the_start_is_delivered_from_every_source_while_others_append(int before)
    {
        await using var store = await Wire().BuildAsync();
        await FillAsync(store, before);
        await store.ReadStreams.CreateAsync("links", EventPredicate.Category("a"));
        var head = new Checkpoint((await EverythingAsync(store)).LastOrDefault()?.Checkpoint.Value ?? 0);
        var writing = Task.Run(() => AppendBothAsync(store, 40), TestContext.Current.CancellationToken);
        var runs = new List<Run>();
        foreach (var (source, isOfStream) in Sources())
        {
            foreach (var start in Starts(head, before, source.Stream is not null || source.ReadStream is not null))
            {
                var run = new Run($"{runs.Count}", source, start, isOfStream);
                await run.StartAsync(store);
                runs.Add(run);
            }
        }

        await writing;
        await AppendBothAsync(store, 3);
        var all = await EverythingAsync(store);
        foreach (var run in runs)
        {
            await run.Consumer!.WaitUntilCaughtUpAsync();
            var matching = all.Where(committed => !run.IsOfStream || committed.Stream == Stream).ToList();
            var expected = run.Start.Revision.Value > 0
                ? matching.Skip((int)run.Start.Revision.Value)
                : matching.Where(committed => committed.Checkpoint > run.Start.Checkpoint);
            var delivered = run.Delivered.ToArray();

            // A start at the present moment lies between two appends of the others.
            if (run.Start.IsCurrent)
            {
                Assert.True(delivered.Length >= (run.IsOfStream ? 3 : 6) && delivered[0] > head.Value, run.ToString());
                expected = matching.Where(committed => committed.Checkpoint.Value >= delivered[0]);
            }

            Assert.True(expected.Select(committed => committed.Checkpoint.Value).SequenceEqual(delivered), run.ToString());
            await run.Consumer.DisposeAsync();
        }
    }

    [Theory(Timeout = Minute), InlineData(false), InlineData(true), Guarantee("G36")]
    public async Task Started_after_a_revision_that_is_not_stored_yet_it_delivers_what_comes_after_that_revision(bool isReadStream)
    {
        await using var store = await Wire().BuildAsync();
        if (isReadStream) await store.ReadStreams.CreateAsync("links", EventPredicate.Category("a"));
        var source = isReadStream ? ConsumerSource.OfReadStream("links") : ConsumerSource.OfStream(Stream);
        var after = ConsumerStart.AfterRevision(new Revision(2));
        var subscribing = TakeAsync(store, source, after, 2);
        for (var i = 1; i <= 4; i++)
        {
            await using var consumer = await store.Consumers.StartAsync("name", source, See, Quick(options => options.StartFrom = after));
            await consumer.WaitUntilCaughtUpAsync();
            await store.AppendAsync(Neighbor, "x");
            await store.AppendAsync(Stream, $"{i}");
            await consumer.WaitUntilCaughtUpAsync();
        }

        Assert.Equal(["3", "4"], Seen);
        Assert.Equal(["3", "4"], await subscribing);
    }

    [Fact(Timeout = Minute), Guarantee("G36")]
    public async Task Started_after_a_revision_a_stream_that_is_created_again_is_delivered_from_its_beginning()
    {
        await using var store = await Wire().BuildAsync();
        await store.AppendAsync(Stream, ExpectedRevision.Any, ["1", "2", "3"]);
        var consumer = await store.Consumers.StartAsync(
            "name",
            ConsumerSource.OfStream(Stream),
            See,
            Quick(options => options.StartFrom = ConsumerStart.AfterRevision(new Revision(3))));
        await consumer.WaitUntilCaughtUpAsync();
        await consumer.DisposeAsync();
        await store.DeleteStreamAsync(Stream);
        await store.AppendAsync(Stream, ExpectedRevision.Any, ["new 1", "new 2"]);
        await using var again = await store.Consumers.StartAsync("name", ConsumerSource.OfStream(Stream), See, Quick());
        await again.WaitUntilCaughtUpAsync();
        Assert.Equal(["new 1", "new 2"], Seen);
    }

    [Theory(Timeout = Minute), InlineData("everything"), InlineData("stream"), InlineData("links"), Guarantee("G36")]
    public async Task Started_after_a_checkpoint_that_is_not_stored_yet_it_delivers_what_comes_after_that_checkpoint(string kind)
    {
        await using var store = await Wire().BuildAsync();
        await store.ReadStreams.CreateAsync("links", EventPredicate.Category("a"));
        var source = kind switch
        {
            "stream" => ConsumerSource.OfStream(Stream),
            "links" => ConsumerSource.OfReadStream("links"),
            _ => ConsumerSource.Everything,
        };
        await store.AppendAsync(Stream, "1");
        var after = ConsumerStart.AfterCheckpoint(new Checkpoint(3));
        var subscribing = TakeAsync(store, source, after, 2);
        for (var i = 2; i <= 5; i++)
        {
            await using var consumer = await store.Consumers.StartAsync("name", source, See, Quick(options => options.StartFrom = after));
            await consumer.WaitUntilCaughtUpAsync();
            Assert.True(consumer.Position.Value < i, $"at checkpoint {i - 1} the consumer claims to have handled {consumer.Position}");
            await store.AppendAsync(Stream, $"{i}");
            await consumer.WaitUntilCaughtUpAsync();
        }

        Assert.Equal(["4", "5"], Seen);
        Assert.Equal(["4", "5"], await subscribing);
    }

    [Fact(Timeout = Minute), Guarantee("G33", "G36")]
    public async Task A_state_of_another_schema_version_begins_where_its_consumer_began_the_first_time()
    {
        await using var store = await Wire().BuildAsync();
        await store.AppendAsync(Stream, ExpectedRevision.Any, ["1", "2"]);
        var failing = new Projection<string>("", (state, committed) => (string)committed.Body == "3"
            ? throw new InvalidOperationException("not yet")
            : $"{state}{committed.Body},");
        ConsumerOptions Current() => Quick(options => (options.StartFrom, options.MaxRetries, options.FailureAction) = (
            ConsumerStart.Current, 0, FailureAction.Park));
        foreach (var (name, source) in new[]
        {
            ("everything", ConsumerSource.Everything), ("stream", ConsumerSource.OfStream(Stream)),
        })
        {
            await using var old = await store.Consumers.StartAsync(name, source, failing, Current());
            await old.WaitUntilCaughtUpAsync();
        }

        await store.AppendAsync(Stream, ExpectedRevision.Any, ["3", "4"]);
        foreach (var (name, source) in new[]
        {
            ("everything", ConsumerSource.Everything), ("stream", ConsumerSource.OfStream(Stream)),
        })
        {
            await using (var old = await store.Consumers.StartAsync(name, source, failing, Current()))
            {
                await old.WaitUntilCaughtUpAsync();
                Assert.Equal(("4,", 1), (old.State, (await old.GetStatusAsync()).Parked));
            }

            var raised = new Projection<string>("", (state, committed) => $"{state}{committed.Body}|") { SchemaVersion = 2 };
            await using var renewed = await store.Consumers.StartAsync(name, source, raised, Current());
            await renewed.WaitUntilCaughtUpAsync();
            Assert.Equal("3|4|", renewed.State);

            // What was parked was delivered again, so it is not applied a second time.
            Assert.Equal((0, 0), ((await renewed.GetStatusAsync()).Parked, await renewed.ReplayParkedAsync()));
        }
    }

    [Theory(Timeout = Minute), InlineData(WhenTaken.Fail), InlineData(WhenTaken.Wait), Guarantee("G33", "G36")]
    public async Task Another_source_or_another_kind_of_state_under_the_same_name_is_refused_and_changes_nothing(WhenTaken whenTaken)
    {
        ConsumerOptions Options() => Quick(options => options.WhenTaken = whenTaken);
        await using var store = await Wire().BuildAsync();
        await store.ReadStreams.CreateAsync("links", EventPredicate.Category("a"));
        await store.AppendAsync(Stream, ExpectedRevision.Any, ["1", "2"]);
        await using (var first = await store.Consumers.StartAsync("plain", ConsumerSource.OfStream(Stream), See, Options()))
            await first.WaitForAsync(new Checkpoint(2));
        await using (var first = await store.Consumers.StartAsync("state", ConsumerSource.OfStream(Stream), Collect, Options()))
            await first.WaitForAsync(new Checkpoint(2));

        ConsumerSource[] others =
        [
            ConsumerSource.Everything, ConsumerSource.OfStream(Neighbor), ConsumerSource.OfCategory("a"),
            ConsumerSource.OfBucket("default"), ConsumerSource.OfReadStream("links"), ConsumerSource.Matching(EventPredicate.Category("a")),
            ConsumerSource.Matching(new EventFilter { Bucket = Stream.Bucket, Category = Stream.Category, Id = Stream.Id }),
        ];
        foreach (var other in others)
        {
            await RefusedAsync(() => store.Consumers.StartAsync("plain", other, See, Options()));
            await RefusedAsync(() => store.Consumers.OpenAsync("plain", other, Options()));
            await RefusedAsync(() => store.Consumers.StartAsync("state", other, Collect, Options()));
        }

        await RefusedAsync(() => store.Consumers.StartAsync("state", ConsumerSource.OfStream(Stream), See, Options()));
        await RefusedAsync(() => store.Consumers.StartAsync("plain", ConsumerSource.OfStream(Stream), Collect, Options()));

        // The names are free, and both go on.
        await store.AppendAsync(Stream, "3");
        await using var plain = await store.Consumers.StartAsync("plain", ConsumerSource.OfStream(Stream), See, Options());
        await using var state = await store.Consumers.StartAsync("state", ConsumerSource.OfStream(Stream), Collect, Options());
        await plain.WaitForAsync(new Checkpoint(3));
        await state.WaitForAsync(new Checkpoint(3));
        Assert.Equal(["1", "2", "3"], Seen);
        Assert.Equal("1,2,3,", state.State);

        static async Task RefusedAsync<T>(Func<ValueTask<T>> start) where T : IConsumer =>
            await Assert.ThrowsAsync<ConsumerChangedException>(async () => await start());
    }

    private static Task<List<string>> TakeAsync(IEventStore store, ConsumerSource source, ConsumerStart start, int count) => Task.Run(
        async () =>
        {
            var taken = new List<string>();
            await foreach (var committed in store.Consumers.SubscribeAsync(source, start, TestContext.Current.CancellationToken))
            {
                taken.Add((string)committed.Body);
                if (taken.Count == count) break;
            }

            return taken;
        });

    private static IEnumerable<(ConsumerSource Source, bool IsOfStream)> Sources() =>
    [
        (ConsumerSource.OfStream(Stream), true),
        (ConsumerSource.Everything, false),
        (ConsumerSource.OfCategory("a"), true),
        (ConsumerSource.Matching(EventPredicate.StreamIds("1").And(EventPredicate.Category("b").Negated())), true),
        (ConsumerSource.OfReadStream("links"), true),
    ];

    private static IEnumerable<ConsumerStart> Starts(Checkpoint head, int revision, bool hasRevisions)
    {
        yield return ConsumerStart.Origin;
        yield return ConsumerStart.Current;
        if (head > Checkpoint.Origin)
        {
            yield return ConsumerStart.AfterCheckpoint(head);
            yield return ConsumerStart.AfterCheckpoint(new Checkpoint(head.Value - 1));
        }

        yield return ConsumerStart.AfterCheckpoint(new Checkpoint(head.Value + 7));
        if (!hasRevisions) yield break;
        if (revision > 0) yield return ConsumerStart.AfterRevision(new Revision(revision));
        yield return ConsumerStart.AfterRevision(new Revision(revision + 2));
    }

    // Events of the stream, with one of another stream in each commit before them.
    private static async Task FillAsync(IEventStore store, int events)
    {
        for (var stored = 0; stored < events; stored += 100)
        {
            var texts = Enumerable.Range(stored + 1, Math.Min(100, events - stored)).Select(i => new EventMessage($"{i}"));
            await store.AppendAsync(Neighbor, "x");
            await store.AppendAsync(Stream, ExpectedRevision.Any, [.. texts]);
        }
    }

    private static async Task AppendBothAsync(IEventStore store, int times)
    {
        for (var i = 0; i < times; i++)
        {
            await store.AppendAsync(Stream, "live");
            await store.AppendAsync(Neighbor, "x");
        }
    }

    private static async Task<List<CommittedEvent>> EverythingAsync(IEventStore store) => await ToListAsync(store.ReadAllAsync());

    private sealed class Run(string name, ConsumerSource source, ConsumerStart start, bool isOfStream)
    {
        public ConsumerStart Start => start;

        public bool IsOfStream => isOfStream;

        public ConcurrentQueue<long> Delivered { get; } = new();

        public IConsumer? Consumer { get; private set; }

        public async Task StartAsync(IEventStore store) => Consumer = await store.Consumers.StartAsync(name, source, (committed, _) =>
        {
            Delivered.Enqueue(committed.Checkpoint.Value);
            return default;
        }, Quick(options => options.StartFrom = start));

        public override string ToString() => $"source {source}, {start}: delivered {string.Join(' ', Delivered)}";
    }
}
