using System.Text.Json;
using System.Text.Json.Serialization;
using EventStore.Conformance;
using Spectre.Console;

namespace EventStore.Benchmarks;

/// <summary>What the pipeline costs over the in-memory engine, and how well it gathers commits.</summary>
internal static class PipelineBenchmarks
{
    private const int Commits = 200_000;
    private const int Streams = 1_000;
    private static readonly byte[] Body = JsonSerializer.SerializeToUtf8Bytes(OrderPlaced.Sample, BenchmarkJson.Default.OrderPlaced);

    /// <summary>One committer, one event of 200 bytes a commit, each awaited, identity serializer; beside the bare engine.</summary>
    public static async Task AppendAsync()
    {
        AnsiConsole.MarkupLine($"[grey]{Commits:N0} commits a round, body {Body.Length} bytes, {Streams:N0} streams round robin[/]");
        StreamId[] streams = [.. Enumerable.Range(0, Streams).Select(i => new StreamId("bench", "order", $"{i}"))];
        await new SideBySide("AppendAsync over the in-memory engine, one committer", "commit")
            .Add("bare engine", async () =>
            {
                await using var engine = OpenInMemory();
                for (var i = 0; i < Commits; i++)
                {
                    var one = new EventRecord(SequentialGuid.Next(), "order-placed", Body);
                    await engine.CommitAsync(
                        [new CommitAttempt(streams[i % Streams], SequentialGuid.Next(), [one])]);
                }

                return Commits;
            })
            .Add("through the pipeline", async () =>
            {
                await using var store = await Wireup.Init().UsingInMemoryPersistence().UsingCustomSerialization(new IdentitySerializer())
                    .BuildAsync();
                for (var i = 0; i < Commits; i++)
                    await store.AppendAsync(streams[i % Streams], ExpectedRevision.Any, [new EventMessage(Body)]);
                return Commits;
            })
            .RunAsync();
    }

    /// <summary>A stream of 1,000 events opened with System.Text.Json, beside deserializing the same bodies in a bare loop.</summary>
    public static async Task OpenAsync()
    {
        const int Events = 1_000, Times = 200;
        await using var store = await Wireup.Init().UsingInMemoryPersistence()
            .UsingJsonSerialization(BenchmarkJson.Default, types => types.Register<OrderPlaced>("order-placed")).BuildAsync();
        for (var i = 0; i < Events; i++) await store.AppendAsync("stream", OrderPlaced.Sample);
        await new SideBySide("Opening a stream of 1,000 events, System.Text.Json", "event")
            .Add("bare loop of Deserialize", () =>
            {
                for (var time = 0; time < Times; time++)
                {
                    var events = new List<object>(Events);
                    for (var i = 0; i < Events; i++) events.Add(JsonSerializer.Deserialize(Body, BenchmarkJson.Default.OrderPlaced)!);
                }

                return new(Events * Times);
            })
            .Add("OpenStreamAsync", async () =>
            {
                for (var time = 0; time < Times; time++) await store.OpenStreamAsync("stream");
                return Events * Times;
            })
            .Add("ReadStreamAsync, bytes only", async () =>
            {
                long bytes = 0;
                for (var time = 0; time < Times; time++)
                {
                    await foreach (var committed in store.ReadStreamAsync("stream", decoding: EventDecoding.OnDemand))
                        bytes += committed.Payload.Length;
                }

                return bytes > 0 ? Events * Times : 0;
            })
            .RunAsync();
    }

    /// <summary>
    /// Concurrent committers over an engine whose flush takes a millisecond: how large batches get, and what that is worth.
    /// </summary>
    public static async Task GroupCommitAsync()
    {
        var table = new Table().Title("Group commit over a flush of 1 ms").Border(TableBorder.Rounded)
            .AddColumn("committers").AddColumn(new TableColumn("commits/s").RightAligned())
            .AddColumn(new TableColumn("commits a batch, median").RightAligned());
        foreach (var committers in (int[])[1, 2, 8, 64, 512])
        {
            var flushing = new FlushesInOneMillisecond(OpenInMemory());
            await using var store = await Wireup.Init().UsingPersistence(flushing).UsingCustomSerialization(new IdentitySerializer())
                .BuildAsync();
            var each = committers == 1 ? 1_000 : 500;
            var started = System.Diagnostics.Stopwatch.GetTimestamp();
            await Task.WhenAll(Enumerable.Range(0, committers).Select(committer => Task.Run(async () =>
            {
                StreamId stream = $"{committer}";
                for (var i = 0; i < each; i++) await store.AppendAsync(stream, Body);
            })));
            var rate = committers * each / System.Diagnostics.Stopwatch.GetElapsedTime(started).TotalSeconds;
            table.AddRow($"{committers}", $"{rate:N0}", $"{flushing.MedianBatch}");
        }

        AnsiConsole.Write(table);
    }

    private static IPersistenceEngine OpenInMemory() => new EngineCatalogue().AddInMemory().Create("memory:", EngineContext.Default);

    /// <summary>Waits a millisecond for each batch, as a disk does, on a thread of its own.</summary>
    private sealed class FlushesInOneMillisecond(IPersistenceEngine inner) : DelegatingEngine(inner)
    {
        private readonly List<int> batches = [];

        public int MedianBatch => batches.Order().ElementAt(batches.Count / 2);

        public override async ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
            IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
        {
            batches.Add(attempts.Count);
            await Task.Factory.StartNew(static () => Flush(), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            return await base.CommitAsync(attempts, cancellationToken);
        }

        // Sleeping without spinning: a flush leaves the processor to others.
        private static void Flush() => new ManualResetEventSlim(initialState: false, spinCount: 0).Wait(1);
    }
}

/// <summary>An event of about 200 bytes of JSON.</summary>
internal sealed record OrderPlaced(
    string OrderId, string Customer, string Product, int Quantity, decimal Price, DateTimeOffset At, string Note)
{
    public static OrderPlaced Sample { get; } = new(
        "order-000001", "customer-4711", "a product of some name", 3, 19.99m, new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
        "please ring twice at the door of the garden");
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(OrderPlaced))]
[JsonSerializable(typeof(OrderTotal))]
internal sealed partial class BenchmarkJson : JsonSerializerContext;
