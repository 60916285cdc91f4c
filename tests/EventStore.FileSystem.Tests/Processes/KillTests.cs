using EventStore.TestSupport;

namespace EventStore.FileSystem.Tests.Processes;

/// <summary>
/// A writer of sixteen committers, killed by SIGKILL while it opens, writes or closes: fifty times, in the long run five thousand, or
/// EVENTSTORE_KILL_ROUNDS.
/// </summary>
public sealed class KillTests
{
    private const int Committers = 16;
    private const int RoundsPerStore = 5;
    private const int StoresPerReport = 20;
    private static readonly int FirstRound = LongRun.Number("EVENTSTORE_KILL_SEED") ?? 0;
    private static readonly int Rounds = LongRun.Number("EVENTSTORE_KILL_ROUNDS") ?? (LongRun.IsAskedFor ? 5000 : 50);

    [Fact]
    public async Task A_killed_writer_leaves_every_acknowledged_commit_whole_once_and_in_order()
    {
        var (acknowledged, stores) = (0, 0);
        var options = new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount };
        await Parallel.ForEachAsync(Enumerable.Range(FirstRound / RoundsPerStore, Rounds / RoundsPerStore), options, async (store, _) =>
        {
            using var directory = new TestDirectory();
            var acknowledgements = new Acknowledgements();
            for (var round = 0; round < RoundsPerStore; round++)
            {
                var seed = (store * RoundsPerStore) + round;
                var order = new WriterOrder(
                    directory.Path, IsDurable: store % 2 == 0, Committers, seed, MostWrites: round % 5 == 4 ? 30 : int.MaxValue);
                var exception = await Record.ExceptionAsync(() => LiveAsync(order, acknowledgements));
                Assert.True(exception is null, $"store {store}, round {round}, durable {order.IsDurable}: {exception}");
            }

            Interlocked.Add(ref acknowledged, acknowledgements.Count);
            if (Interlocked.Increment(ref stores) is var done && done % StoresPerReport == 0)
                Console.Error.WriteLine(
                    $"killed writers: {done * RoundsPerStore} of {Rounds} rounds from {FirstRound} on are done, 0 failed; "
                    + $"{acknowledged} commits were acknowledged");
        });
        Assert.True(acknowledged > Rounds, $"only {acknowledged} acknowledgements in {Rounds} rounds: they prove nothing");
    }

    private static async Task LiveAsync(WriterOrder order, Acknowledgements acknowledgements)
    {
        using (var writer = new WriterProcess(order))
        {
            // Each store is killed while it opens, three times while it writes, and while it closes.
            var random = new Random(order.Seed);
            var (phase, mostMilliseconds) = (order.Seed % RoundsPerStore) switch
            {
                0 => ("opening", 60),
                4 => ("closing", 15),
                _ => ("open", 150),
            };
            await writer.ReadUntilAsync(phase);
            await Task.Delay(TimeSpan.FromMilliseconds(random.NextDouble() * mostMilliseconds), TimeProvider.System);
            await writer.KillAsync();
            acknowledgements.Add(writer.Lines);
        }

        await using var engine = order.MakeEngine();
        await engine.InitializeAsync();
        await acknowledgements.CheckAsync(engine);
    }
}
