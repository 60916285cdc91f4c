using System.Text.Json;
using Spectre.Console;

namespace EventStore.Benchmarks;

/// <summary>The SQLite engine in durable mode, beside prepared statements through the same package.</summary>
internal static class SqliteBenchmarks
{
    private const int Streams = 1_000;
    private const int StoredForReading = 200_000;
    private static readonly byte[] Body = JsonSerializer.SerializeToUtf8Bytes(OrderPlaced.Sample, BenchmarkJson.Default.OrderPlaced);
    private static readonly StreamId[] Names = [.. Enumerable.Range(0, Streams).Select(i => new StreamId("bench", "order", $"order-{i}"))];

    public static async Task RunAsync()
    {
        await CommitAsync();
        await ReadAsync();
    }

    /// <summary>Commits of one event, and of ten.</summary>
    private static async Task CommitAsync()
    {
        const int Commits = 3_000;
        var directory = Directory.CreateTempSubdirectory("eventstore-bench-");
        AnsiConsole.MarkupLine(
            $"[grey]{Commits:N0} commits a round, body {Body.Length} bytes, {Streams:N0} streams round robin, synchronous=FULL[/]");
        using (var bare = new BareSqlite(Path.Combine(directory.FullName, "bare.db")))
        {
            await using var store = await OpenAsync(Path.Combine(directory.FullName, "store.db"));
            await new SideBySide("SQLite, commits of one event", "event")
                .Add("bare INSERT, each a transaction", () =>
                {
                    bare.InsertEach(Commits, Body);
                    return new(Commits);
                })
                .Add("one committer", () => AppendAsync(store, 1, Commits))
                .Add("64 committers", () => AppendAsync(store, 64, 500))
                .RunAsync();

            await new SideBySide("SQLite, one committer, ten events a commit", "event")
                .Add("bare INSERTs, ten a transaction", () =>
                {
                    bare.InsertTogether(Commits, 10, Body);
                    return new(Commits * 10);
                })
                .Add("one committer", async () =>
                {
                    for (var i = 0; i < Commits; i++)
                    {
                        var ten = Enumerable.Repeat(OrderPlaced.Sample, 10).Select(order => new EventMessage(order));
                        await store.AppendAsync(Names[i % Streams], ExpectedRevision.Any, [.. ten]);
                    }

                    return Commits * 10;
                })
                .RunAsync();
        }

        directory.Delete(recursive: true);
    }

    /// <summary>Everything in checkpoint order, and streams of 200 events each.</summary>
    private static async Task ReadAsync()
    {
        var directory = Directory.CreateTempSubdirectory("eventstore-bench-");
        AnsiConsole.MarkupLine(
            $"[grey]{StoredForReading:N0} events stored, one a commit, body {Body.Length} bytes, {Streams:N0} streams round robin[/]");
        using (var bare = new BareSqlite(Path.Combine(directory.FullName, "bare.db")))
        {
            bare.InsertTogether(StoredForReading / 1000, 1000, Body);
            await using var store = await OpenAsync(Path.Combine(directory.FullName, "store.db"));
            await FillAsync(directory.FullName, StoredForReading);
            await new SideBySide("SQLite, everything read in checkpoint order", "event")
                .Add("bare reader, all columns", () => new(bare.ReadAll()))
                .Add("ReadAllAsync, bytes only", () => CountAsync(store.ReadAllAsync(decoding: EventDecoding.OnDemand)))
                .Add("ReadAllAsync, decoded", () => CountAsync(store.ReadAllAsync()))
                .Add("streams one after another, bytes only", async () =>
                {
                    var events = 0L;
                    foreach (var name in Names) events += await CountAsync(store.ReadStreamAsync(name, decoding: EventDecoding.OnDemand));
                    return events;
                })
                .RunAsync();
        }

        directory.Delete(recursive: true);
    }

    /// <summary>The same work on a store of 1,000 and of 5,000,000 events.</summary>
    public static async Task GrowthAsync()
    {
        const int Large = 5_000_000;
        var directory = Directory.CreateTempSubdirectory("eventstore-bench-");
        Directory.CreateDirectory(Path.Combine(directory.FullName, "small"));
        Directory.CreateDirectory(Path.Combine(directory.FullName, "large"));
        await FillAsync(Path.Combine(directory.FullName, "small"), 1_000);
        await FillAsync(Path.Combine(directory.FullName, "large"), Large);
        var database = new FileInfo(Path.Combine(directory.FullName, "large", "store.db"));
        AnsiConsole.MarkupLine($"[grey]{database.Length / (double)Large:N0} bytes on disk an event[/]");
        await using (var small = await OpenAsync(Path.Combine(directory.FullName, "small", "store.db")))
        {
            await using var large = await OpenAsync(Path.Combine(directory.FullName, "large", "store.db"));
            foreach (var (title, run) in (IEnumerable<(string, Func<IEventStore, ValueTask<long>>)>)
                [
                    ("one committer", store => AppendAsync(store, 1, 2_000)),
                    ("64 committers", store => AppendAsync(store, 64, 300)),
                    ("the newest ten events of a stream", ReadNewestTenAsync),
                    ("the first thousand events of all, bytes only", ReadThousandAsync),
                ])
            {
                await new SideBySide($"SQLite, {title}", "event")
                    .Add("of 1,000 events", () => run(small))
                    .Add($"of {Large:N0} events", () => run(large))
                    .RunAsync();
            }
        }

        directory.Delete(recursive: true);
    }

    private static async ValueTask<long> AppendAsync(IEventStore store, int committers, int each)
    {
        await Task.WhenAll(Enumerable.Range(0, committers).Select(committer => Task.Run(async () =>
        {
            for (var i = 0; i < each; i++)
            {
                var name = Names[((i * committers) + committer) % Streams];
                await store.AppendAsync(name, ExpectedRevision.Any, [new EventMessage(OrderPlaced.Sample)]);
            }
        })));
        return committers * each;
    }

    private static async ValueTask<long> ReadNewestTenAsync(IEventStore store)
    {
        const int Times = 20_000;
        for (var i = 0; i < Times / 10; i++)
            await CountAsync(store.ReadStreamAsync(Names[i * 7 % Streams], new StreamRange { Last = 10 }, EventDecoding.OnDemand));
        return Times;
    }

    private static async ValueTask<long> ReadThousandAsync(IEventStore store)
    {
        const int Times = 100;
        for (var i = 0; i < Times; i++)
            await CountAsync(store.ReadAllAsync(new EventQuery { UpTo = new Checkpoint(1_000) }, EventDecoding.OnDemand));
        return Times * 1_000;
    }

    private static async ValueTask<long> CountAsync(IAsyncEnumerable<CommittedEvent> events)
    {
        var count = 0L;
        await foreach (var committed in events)
        {
            if (committed.Payload.Length > 0) count++;
        }

        return count;
    }

    // Large batches straight into the engine: how they came in does not show in what is stored.
    private static async Task FillAsync(string directory, int events)
    {
        const int Batch = 1_000;
        await using var engine = new EngineCatalogue().AddSqlite(new SqliteOptions { Durability = Durability.Fast })
            .Create("sqlite:" + Path.Combine(directory, "store.db"), EngineContext.Default);
        await engine.InitializeAsync();
        for (var stored = 0; stored < events; stored += Batch)
        {
            var attempts = new CommitAttempt[Batch];
            for (var i = 0; i < Batch; i++)
            {
                var one = new EventRecord(SequentialGuid.Next(), "order-placed", Body);
                attempts[i] = new(Names[(stored + i) % Streams], SequentialGuid.Next(), [one]);
            }

            await engine.CommitAsync(attempts);
        }
    }

    private static ValueTask<IEventStore> OpenAsync(string path) => Wireup.Init()
        .UsingSqlitePersistence(path)
        .InitializeStorageEngine()
        .UsingJsonSerialization(BenchmarkJson.Default, types => types.Register<OrderPlaced>("order-placed"))
        .BuildAsync();
}
