using EventStore.TestServers;
using Spectre.Console;

namespace EventStore.Benchmarks;

/// <summary>Tags and conditions beside streams and expected revisions, on every backend whose server is here.</summary>
internal static class ConditionBenchmarks
{
    private const int Bookers = 16;
    private const int Seats = 1_000;
    private const int Rare = 1_000;
    private const int RareStreams = 50;
    private const int Reads = 20;
    private const int CommitsPerBatch = 1_000;
    private const int EventsPerStream = 100;
    private const string Tag = "rare";
    private static readonly StreamId RareStream = new("bench", "order", "rare");

    /// <summary>Writers that want the same seats: a stream for each seat that must not exist, beside a tag that must not exist.</summary>
    public static Task SeatsAsync() => OnEachAsync([BenchmarkStorage.Files, BenchmarkStorage.Sqlite, BenchmarkStorage.Postgres,
        BenchmarkStorage.Redis, BenchmarkStorage.Mongo], async storage =>
    {
        await using var store = await storage.BuildAsync();
        await new SideBySide($"{storage.Name}, {Bookers} writers that want the same {Seats:N0} seats", "attempt")
            .Add("a stream for each seat, no stream expected", () => BookAsync(async seat =>
                await store.AppendAsync(seat, ExpectedRevision.NoStream, [new EventMessage(FileStore.Body)])))
            .Add("a tag for each seat, by a condition", () => BookAsync(async seat => await store.AppendAsync(
                "bookings", ExpectedRevision.Any, new AppendCondition(EventCriteria.Tagged(seat)),
                [new EventMessage(FileStore.Body, tags: [seat])])))
            .RunAsync();
    });

    /// <summary>A stream, a category and a tag of 1,000 events each, spread over many other events.</summary>
    public static Task CategoriesAsync(long events) =>
        OnEachAsync([BenchmarkStorage.Files, BenchmarkStorage.Sqlite, BenchmarkStorage.Postgres], async storage =>
    {
        await FillAsync(storage, events);
        await using var store = await storage.BuildAsync();
        var category = new EventQuery { Criteria = new(new EventCriterion { Bucket = "bench", Category = Tag }) };
        var tag = new EventQuery { Criteria = new(new EventCriterion { Bucket = "bench", Tags = [Tag] }) };
        await new SideBySide($"{storage.Name}, {Rare:N0} events among {events:N0}, bytes only", "event")
            .Add("a stream", () => ReadAsync(() => store.ReadStreamAsync(RareStream, decoding: EventDecoding.OnDemand)))
            .Add("a category", () => ReadAsync(() => store.ReadAllAsync(category, EventDecoding.OnDemand)))
            .Add("a tag", () => ReadAsync(() => store.ReadAllAsync(tag, EventDecoding.OnDemand)))
            .RunAsync();
    });

    private static async Task OnEachAsync(Func<Task<BenchmarkStorage?>>[] storages, Func<BenchmarkStorage, Task> run)
    {
        foreach (var prepare in storages)
        {
            await using var storage = await prepare();
            if (storage is not null) await run(storage);
        }
    }

    // Each writer tries every seat once; one of them gets it.
    private static async ValueTask<long> BookAsync(Func<string, Task> book)
    {
        var (round, booked) = (Guid.NewGuid(), 0);
        await Task.WhenAll(Enumerable.Range(0, Bookers).Select(_ => Task.Run(async () =>
        {
            for (var seat = 0; seat < Seats; seat++)
            {
                try
                {
                    await book($"seat:{round}:{seat}");
                    Interlocked.Increment(ref booked);
                }
                catch (EventStoreException error) when (error is ConcurrencyException or AppendConditionException)
                {
                }
            }
        })));
        return booked == Seats ? Bookers * Seats : throw new InvalidOperationException($"{booked} bookings of {Seats} seats");
    }

    private static async Task FillAsync(BenchmarkStorage storage, long events)
    {
        await using var engine = storage.CreateEngine();
        await engine.InitializeAsync();
        var (attempts, every) = (new List<CommitAttempt>(CommitsPerBatch), events / Rare);
        await AnsiConsole.Progress().StartAsync(async progress =>
        {
            var task = progress.AddTask($"{storage.Name}, {events:N0} events stored", maxValue: events);
            for (long i = 0; i < events; i++)
            {
                var stream = (i % every) switch
                {
                    0 => RareStream,
                    1 => new StreamId("bench", Tag, $"{i / every % RareStreams}"),
                    _ => new StreamId("bench", "order", $"order-{i % (events / EventsPerStream):D8}"),
                };
                string[] tags = i % every == 2 ? [Tag] : [];
                var record = new EventRecord(SequentialGuid.Next(), "order-placed", FileStore.Body, default, tags);
                attempts.Add(new CommitAttempt(stream, SequentialGuid.Next(), [record]));
                if (attempts.Count < CommitsPerBatch && i < events - 1) continue;
                await engine.CommitAsync(attempts);
                attempts.Clear();
                task.Increment(CommitsPerBatch);
            }
        });
    }

    private static async ValueTask<long> ReadAsync(Func<IAsyncEnumerable<CommittedEvent>> read)
    {
        var found = 0L;
        for (var i = 0; i < Reads; i++)
        {
            await foreach (var _ in read()) found++;
        }

        return found == Rare * Reads ? found : throw new InvalidOperationException($"{found} events were read, not {Rare * Reads}.");
    }
}
