using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using EventStore.TestServers;
using Spectre.Console;

namespace EventStore.Benchmarks;

/// <summary>
/// The Redis backend beside <c>redis-benchmark</c>, which adds entries of the same size to a stream of the same private server with the
/// same settings; and beside the npm package <c>eventstore</c>, where EVENTSTORE_BENCHMARK_NPM names a folder in which it is installed.
/// </summary>
internal static class RedisBenchmarks
{
    private const int Streams = 1_000;
    private const int Committers = 64;
    private const int EntryBytes = 340;
    private static readonly int Alone = Setting("EVENTSTORE_BENCHMARK_COMMITS", 10_000);
    private static readonly int Together = Alone * 8;
    private static readonly StreamId[] Names = [.. Enumerable.Range(0, Streams).Select(i => new StreamId("bench", "order", $"{i}"))];
    private static readonly int BodyBytes =
        JsonSerializer.SerializeToUtf8Bytes(OrderPlaced.Sample, BenchmarkJson.Default.OrderPlaced).Length;

    public static async Task RunAsync()
    {
        foreach (var flushes in (string[])["always", "everysec"])
        {
            await using var server = await PrivateRedis.TryStartOnDiskAsync("--appendfsync", flushes, "--auto-aof-rewrite-percentage", "0");
            if (server is null)
            {
                AnsiConsole.WriteLine($"There is no binary of Redis here. Install {PrivateRedis.Package}.");
                return;
            }

            await using var store = await Wireup.Init().UsingRedisPersistence(server.Address).InitializeStorageEngine()
                .UsingJsonSerialization(BenchmarkJson.Default, types => types.Register<OrderPlaced>("order-placed")).BuildAsync();
            AnsiConsole.WriteLine(
                $"{server.Origin}; body {BodyBytes} bytes, {Streams:N0} streams round robin; {store.Describe().Engine.Durability.Basis}");
            await CommitsAsync(server, store, flushes);
            if (flushes == "always") await ReadsAsync(store);
        }
    }

    private static async Task CommitsAsync(PrivateRedis server, IEventStore store, string flushes)
    {
        var alone = new SideBySide($"Redis, {flushes}, one committer", "commit")
            .Add("redis-benchmark XADD, 1 client", () => XAddAsync(server, 1, Alone))
            .Add("AppendAsync", () => CommitAsync(store, 1, Alone));
        var together = new SideBySide($"Redis, {flushes}, {Committers} committers", "commit")
            .Add($"redis-benchmark XADD, {Committers} clients", () => XAddAsync(server, Committers, Together))
            .Add("AppendAsync", () => CommitAsync(store, Committers, Together));
        if (Environment.GetEnvironmentVariable("EVENTSTORE_BENCHMARK_NPM") is { Length: > 0 } folder)
        {
            alone.Add("npm eventstore, one committer", () => NpmAsync(server, folder, 1, Alone));
            together.Add($"npm eventstore, {Committers} committers", () => NpmAsync(server, folder, Committers, Together));
        }

        await alone.RunAsync();
        await together.RunAsync();
    }

    private static async Task ReadsAsync(IEventStore store)
    {
        for (var i = 0; i < 1_000; i++)
            await store.AppendAsync("stream of a thousand", ExpectedRevision.Any, [new EventMessage(OrderPlaced.Sample)]);
        await new SideBySide("Redis, reading", "event")
            .Add("a stream of 1,000 events, decoded, 20 times", async () =>
            {
                long events = 0;
                for (var i = 0; i < 20; i++) events += await CountAsync(store.ReadStreamAsync("stream of a thousand"));
                return events;
            })
            .Add("the first 100,000 events of the store, decoded", () =>
                CountAsync(store.ReadAllAsync(new EventQuery { UpTo = new Checkpoint(100_000) })))
            .Add("the same, as bytes", () =>
                CountAsync(store.ReadAllAsync(new EventQuery { UpTo = new Checkpoint(100_000) }, EventDecoding.OnDemand)))
            .RunAsync();
    }

    private static async ValueTask<long> CommitAsync(IEventStore store, int committers, int commits)
    {
        await Task.WhenAll(Enumerable.Range(0, committers).Select(committer => Task.Run(async () =>
        {
            for (var i = committer; i < commits; i += committers)
                await store.AppendAsync(Names[i % Streams], ExpectedRevision.Any, [new EventMessage(OrderPlaced.Sample)]);
        })));
        return commits;
    }

    private static async ValueTask<long> CountAsync(IAsyncEnumerable<CommittedEvent> events)
    {
        var (count, bytes) = (0L, 0L);
        await foreach (var committed in events) (count, bytes) = (count + 1, bytes + committed.Payload.Length);
        return bytes > 0 ? count : 0;
    }

    private static async ValueTask<long> XAddAsync(PrivateRedis server, int clients, int count)
    {
        var entry = new string('x', EntryBytes);
        string[] arguments = ["-p", $"{server.Port}", "-c", $"{clients}", "-n", $"{count}", "-q", "XADD", "bare", "*", "c", entry];
        return await TimedAsync("redis-benchmark", arguments, null, RateOf);
    }

    // Finds the rate in the last line that reports one; the latency at its end is skipped.
    private static string RateOf(string said) => said.Split('\r', '\n')
        .Last(line => line.Contains("requests per second", StringComparison.Ordinal))
        .Split(' ')
        .SkipLast(3)
        .Last(part => part.Contains('.', StringComparison.Ordinal) && double.TryParse(part, CultureInfo.InvariantCulture, out _));

    // Its streams are made without loading them, which would look through all keys of the server, and committed to again and again.
    private static async ValueTask<long> NpmAsync(PrivateRedis server, string folder, int committers, int commits) => await TimedAsync(
        "node",
        ["-e", $$"""
            const es = require('eventstore')({ type: 'redis', host: '127.0.0.1', port: {{server.Port}} });
            const body = {{JsonSerializer.Serialize(OrderPlaced.Sample, BenchmarkJson.Default.OrderPlaced)}};
            const EventStream = require('eventstore/lib/eventStream');
            es.init(async error => {
              if (error) throw error;
              const run = process.hrtime.bigint(), streams = [];
              for (let i = 0; i < {{Streams}}; i++)
                streams.push(new EventStream(es, { aggregateId: run + '-' + i, aggregate: 'order', context: 'bench' }, []));
              const write = async first => {
                for (let i = first; i < {{commits}}; i += {{committers}}) await new Promise((done, fail) => {
                  const stream = streams[i % {{Streams}}];
                  stream.addEvent(body);
                  stream.commit(e => e ? fail(e) : done());
                });
              };
              const started = process.hrtime.bigint();
              await Promise.all([...Array({{committers}}).keys()].map(write));
              console.log(({{commits}} / (Number(process.hrtime.bigint() - started) / 1e9)).toFixed(2));
              process.exit(0);
            });
            """],
        folder,
        said => said.Trim().Split('\n')[^1]);

    // What the program measured itself, without its start, returned as the units that such a rate does in the time it took.
    private static async Task<long> TimedAsync(string program, string[] arguments, string? folder, Func<string, string> rateOf)
    {
        var started = Stopwatch.GetTimestamp();
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            WorkingDirectory = folder ?? "",
        };
        using var process = Process.Start(start)!;
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (long)(double.Parse(rateOf(said), CultureInfo.InvariantCulture) * Stopwatch.GetElapsedTime(started).TotalSeconds);
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), out var value) ? value : otherwise;
}
