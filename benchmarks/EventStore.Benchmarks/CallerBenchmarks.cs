using System.Globalization;

namespace EventStore.Benchmarks;

/// <summary>
/// What callers of <c>AppendAsync</c> get, by how they call: one after another, many at once, without awaiting, or blocking threads of the
/// pool. Other builds of this program take part as <c>--reference "durable-1:before=./before callers-child durable-1"</c>.
/// </summary>
internal sealed class CallerBenchmarks(string directory, IReadOnlyList<OtherProgram> others)
{
    private static readonly Dictionary<string, Func<IEventStore, Task<double>>> Workloads = new()
    {
        ["durable-1"] = store => OneAsync(store, 4_000),
        ["durable-64"] = store => ManyAsync(store, 100_000, committers: 64),
        ["durable-burst"] = BurstAsync,
        ["durable-blocked"] = store => BlockedAsync(store, threads: 64, commitsEach: 5),
        ["fast-1"] = store => OneAsync(store, 200_000),
        ["fast-64"] = store => ManyAsync(store, 300_000, committers: 64),
    };

    /// <summary>Measures each workload beside the references of its name.</summary>
    public async Task RunAsync()
    {
        foreach (var name in Workloads.Keys)
        {
            await new SideBySide($"callers: {name}", "commit")
                .AddRate("AppendAsync", () => MeasureAsync(name))
                .Add(others.Where(other => other.Benchmark == name))
                .RunAsync();
        }
    }

    /// <summary>Measures one workload in this process, and prints its rate as the last line.</summary>
    public async Task RunChildAsync(string name) =>
        Console.WriteLine((await MeasureAsync(name)).ToString(CultureInfo.InvariantCulture));

    private async Task<double> MeasureAsync(string name)
    {
        var path = Path.Combine(directory, $"eventstore-callers-{Guid.NewGuid():N}");
        var durability = name.StartsWith("fast", StringComparison.Ordinal) ? Durability.Fast : Durability.Durable;
        try
        {
            var store = await Wireup.Init()
                .UsingFileSystemPersistence(path, new FileSystemOptions { Durability = durability })
                .UsingCustomSerialization(new IdentitySerializer())
                .InitializeStorageEngine()
                .BuildAsync();
            await using (store)
            {
                for (var i = 0; i < 200; i++) await AppendAsync(store, i); // warms up
                return await Workloads[name](store);
            }
        }
        finally
        {
            Directory.Delete(path, recursive: true);
        }
    }

    private static ValueTask<CommitResult> AppendAsync(IEventStore store, int i) => store.AppendAsync(
        FileStore.StreamOf(i % 1_000), ExpectedRevision.Any, [new EventMessage(FileStore.Body)]);

    private static async Task<double> OneAsync(IEventStore store, int commits)
    {
        var clock = new Clock();
        for (var i = 0; i < commits; i++) await AppendAsync(store, i);
        return Rate(clock, commits);
    }

    private static async Task<double> ManyAsync(IEventStore store, int commits, int committers)
    {
        var next = -1;
        var clock = new Clock();
        await Task.WhenAll(Enumerable.Range(0, committers).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref next) is var i && i < commits) await AppendAsync(store, i);
        })));
        return Rate(clock, commits);
    }

    // 600 appends called one after another, awaited together; the median of twenty bursts.
    private static async Task<double> BurstAsync(IEventStore store)
    {
        const int Bursts = 20, Commits = 600;
        var rates = new List<double>();
        for (var burst = 0; burst < Bursts; burst++)
        {
            var clock = new Clock();
            var appends = new Task[Commits];
            for (var i = 0; i < Commits; i++) appends[i] = AppendAsync(store, i).AsTask();
            await Task.WhenAll(appends);
            rates.Add(Rate(clock, Commits));
        }

        return rates.Order().ElementAt(Bursts / 2);
    }

    // Threads of the pool that wait for their commits without awaiting them, as older code does.
    private static async Task<double> BlockedAsync(IEventStore store, int threads, int commitsEach)
    {
        ThreadPool.GetMaxThreads(out var most, out var ports);
        ThreadPool.GetMinThreads(out var fewest, out var fewestPorts);
        ThreadPool.SetMinThreads(threads, fewestPorts);
        ThreadPool.SetMaxThreads(threads, ports);
        var clock = new Clock();
        await Task.WhenAll(Enumerable.Range(0, threads).Select(thread => Task.Run(() =>
        {
            for (var i = 0; i < commitsEach; i++) AppendAsync(store, (thread * commitsEach) + i).AsTask().GetAwaiter().GetResult();
        })));
        var rate = Rate(clock, threads * commitsEach);
        ThreadPool.SetMaxThreads(most, ports);
        ThreadPool.SetMinThreads(fewest, fewestPorts);
        return rate;
    }

    private static double Rate(Clock clock, int commits)
    {
        clock.Stop();
        return commits / clock.Took.TotalSeconds;
    }
}
