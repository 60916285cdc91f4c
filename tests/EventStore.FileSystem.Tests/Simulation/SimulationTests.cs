using System.Globalization;

namespace EventStore.FileSystem.Tests.Simulation;

/// <summary>
/// Simulated lives: a hundred thousand, in the long run ten million. EVENTSTORE_SIMULATION_CASES asks for another number of them and
/// EVENTSTORE_SIMULATION_SEED for others; a seed is the same life everywhere.
/// </summary>
public sealed class SimulationTests
{
    private static readonly int Cases = Number("EVENTSTORE_SIMULATION_CASES") ?? (LongRun.IsAskedFor ? 10_000_000 : 100_000);
    private static readonly int FirstSeed = Number("EVENTSTORE_SIMULATION_SEED") ?? 1;

    [Fact]
    public async Task Whatever_strikes_nothing_acknowledged_is_lost_altered_or_torn()
    {
        var options = new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = TestContext.Current.CancellationToken };
        await Parallel.ForEachAsync(Enumerable.Range(FirstSeed, Cases), options, async (seed, _) =>
        {
            try
            {
                await new SimulatedLife(seed).LiveAsync();
            }
            catch (Violation violation)
            {
                Assert.Fail($"{violation}\nTo see it again: EVENTSTORE_SIMULATION_SEED={seed} EVENTSTORE_SIMULATION_CASES=1 ./test.sh filesystem");
            }
        });
    }

    private static int? Number(string variable) => int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
