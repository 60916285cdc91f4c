using System.Collections.Concurrent;
using System.Diagnostics;
using EventStore.TestSupport;

namespace EventStore.FileSystem.Tests.Simulation;

/// <summary>
/// Simulated lives: a hundred thousand, in the long run ten million. EVENTSTORE_SIMULATION_CASES sets another number and
/// EVENTSTORE_SIMULATION_SEED the first seed, so that a long run can be split or continued; a seed gives the same life everywhere.
/// </summary>
public sealed class SimulationTests
{
    private const int MostFailures = 20;
    private const int PartCases = 10_000;
    private static readonly int Cases = LongRun.Number("EVENTSTORE_SIMULATION_CASES") ?? (LongRun.IsAskedFor ? 10_000_000 : 100_000);
    private static readonly int FirstSeed = LongRun.Number("EVENTSTORE_SIMULATION_SEED") ?? 1;
    private static readonly TimeSpan PrintInterval = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task No_failure_loses_alters_or_tears_anything_acknowledged()
    {
        var failures = new ConcurrentQueue<string>();
        var options = new ParallelOptions
        {
            MaxDegreeOfParallelism = Environment.ProcessorCount,
            CancellationToken = TestContext.Current.CancellationToken,
        };
        var (last, printed) = (FirstSeed + Cases - 1, Stopwatch.StartNew());
        for (var seed = FirstSeed; seed <= last && failures.Count < MostFailures; seed += PartCases)
        {
            var part = Math.Min(PartCases, last - seed + 1);
            await Parallel.ForEachAsync(Enumerable.Range(seed, part), options, async (seed, _) =>
            {
                if (await FailureOfAsync(seed) is { } failure) failures.Enqueue(failure);
            });
            if (printed.Elapsed < PrintInterval) continue;
            printed.Restart();
            Print(
                $"simulated lives: seeds {FirstSeed} to {seed + part - 1} are done, {failures.Count} failed; "
                + $"{last - seed - part + 1} to go");
        }

        Assert.True(failures.IsEmpty, $"{failures.Count} failed\n{string.Join("\n\n", failures)}");
    }

    [Fact]
    public async Task A_seed_gives_the_same_life_each_time()
    {
        for (var seed = 1; seed <= 300; seed++)
        {
            var (first, second) = (new SimulatedLife(seed), new SimulatedLife(seed));
            await first.LiveAsync();
            await second.LiveAsync();
            Assert.Equal((seed, first.Disk.CallCount), (seed, second.Disk.CallCount));
            Assert.Equal(first.Disk.Paths, second.Disk.Paths);
            foreach (var path in first.Disk.Paths) Assert.Equal(first.Disk.Content(path), second.Disk.Content(path));
        }
    }

    // Prints it at once: a long run may be stopped early.
    private static async Task<string?> FailureOfAsync(int seed)
    {
        try
        {
            await new SimulatedLife(seed).LiveAsync();
            return null;
        }
        catch (Violation violation)
        {
            var failure = $"{violation}\nTo reproduce: "
                + $"EVENTSTORE_SIMULATION_SEED={seed} EVENTSTORE_SIMULATION_CASES=1 ./test.sh filesystem";
            Print(failure);
            return failure;
        }
    }

    // Goes to standard error, so that it can be followed.
    private static void Print(string line) => Console.Error.WriteLine(line);
}
