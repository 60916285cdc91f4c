using System.Collections.Concurrent;
using System.Diagnostics;

namespace EventStore.FileSystem.Tests.Simulation;

/// <summary>
/// Simulated lives: a hundred thousand, in the long run ten million. EVENTSTORE_SIMULATION_CASES asks for another number of them and
/// EVENTSTORE_SIMULATION_SEED for others, so that a long run can be split or gone on with; a seed is the same life everywhere.
/// </summary>
public sealed class SimulationTests
{
    private const int MostFailures = 20;
    private const int PartCases = 10_000;
    private static readonly int Cases = LongRun.Number("EVENTSTORE_SIMULATION_CASES") ?? (LongRun.IsAskedFor ? 10_000_000 : 100_000);
    private static readonly int FirstSeed = LongRun.Number("EVENTSTORE_SIMULATION_SEED") ?? 1;
    private static readonly TimeSpan TellEvery = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Whatever_strikes_nothing_acknowledged_is_lost_altered_or_torn()
    {
        var failures = new ConcurrentQueue<string>();
        var options = new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = TestContext.Current.CancellationToken };
        var (last, told) = (FirstSeed + Cases - 1, Stopwatch.StartNew());
        for (var seed = FirstSeed; seed <= last && failures.Count < MostFailures; seed += PartCases)
        {
            var part = Math.Min(PartCases, last - seed + 1);
            await Parallel.ForEachAsync(Enumerable.Range(seed, part), options, async (seed, _) =>
            {
                if (await FailureOfAsync(seed) is { } failure) failures.Enqueue(failure);
            });
            if (told.Elapsed < TellEvery) continue;
            told.Restart();
            Tell($"simulated lives: seeds {FirstSeed} to {seed + part - 1} are done, {failures.Count} failed; {last - seed - part + 1} to go");
        }

        Assert.True(failures.IsEmpty, $"{failures.Count} failed\n{string.Join("\n\n", failures)}");
    }

    [Fact]
    public async Task A_seed_is_the_same_life_each_time()
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

    // Tells of it at once: a long run may be ended before its end.
    private static async Task<string?> FailureOfAsync(int seed)
    {
        try
        {
            await new SimulatedLife(seed).LiveAsync();
            return null;
        }
        catch (Violation violation)
        {
            var failure = $"{violation}\nTo see it again: EVENTSTORE_SIMULATION_SEED={seed} EVENTSTORE_SIMULATION_CASES=1 ./test.sh filesystem";
            Tell(failure);
            return failure;
        }
    }

    // Into the suite's log as it is, where it can be followed.
    private static void Tell(string line) => Console.Error.WriteLine(line);
}
