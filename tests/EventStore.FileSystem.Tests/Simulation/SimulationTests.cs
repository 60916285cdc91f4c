namespace EventStore.FileSystem.Tests.Simulation;

/// <summary>Thousands of simulated lives. EVENTSTORE_SIMULATION_CASES asks for more, EVENTSTORE_SIMULATION_SEED for others.</summary>
public sealed class SimulationTests
{
    private static readonly int Cases = int.TryParse(Environment.GetEnvironmentVariable("EVENTSTORE_SIMULATION_CASES"), out var cases) ? cases : 1000;
    private static readonly int FirstSeed = int.TryParse(Environment.GetEnvironmentVariable("EVENTSTORE_SIMULATION_SEED"), out var seed) ? seed : 1;

    [Theory, InlineData(true), InlineData(false)]
    public async Task Whatever_strikes_nothing_acknowledged_is_lost_altered_or_torn(bool isDurable)
    {
        for (var seed = FirstSeed; seed < FirstSeed + Cases; seed++)
        {
            try
            {
                await new SimulatedLife(seed, isDurable).LiveAsync(misfortunes: 3);
            }
            catch (Exception error)
            {
                Assert.Fail($"seed {seed}, {(isDurable ? "durable" : "fast")}: {error}");
            }
        }
    }
}
