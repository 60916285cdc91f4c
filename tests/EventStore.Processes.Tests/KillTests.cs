using System.Diagnostics;
using EventStore.TestServers;
using EventStore.TestSupport;

namespace EventStore.Processes.Tests;

/// <summary>
/// Processes with a consumer that has exactly-once state, killed by SIGKILL while they start, take over, deliver and write: a hundred
/// times, in the long run a thousand. At the end the state is the fold of the log.
/// </summary>
public sealed class KillTests
{
    private const int Minutes = 60_000; // in milliseconds, for time limits
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30); // with whatever comes in much less than a second
    private static readonly int Kills = LongRun.IsAskedFor ? 1_000 : 100;

    [Theory(Timeout = 60 * Minutes), InlineData("sqlite"), InlineData("postgres")]
    public async Task Consumers_killed_beside_a_writer_leave_the_state_that_the_log_makes(string scheme)
    {
        await using var place = await Place.MakeAsync(scheme);
        var order = new ConsumerOrder(place.Address, place.Schema, Appends: false, EventsPerCheckpoint: 1, TimeSpan.FromMilliseconds(150));
        await using var store = await order.OpenAsync();
        using var isOver = new CancellationTokenSource();
        var appending = ConsumerLife.AppendAsync(store, 0, isOver.Token);
        var (terms, running) = (new Terms(), new List<SuiteProcess>());
        try
        {
            // Another waits for the name while one has it, so that each kill is followed by a take-over.
            for (var kill = 0; kill < Kills; kill++)
            {
                while (running.Count < 2) running.Add(Start(order, kill + running.Count));
                var struck = kill % 4 == 0 ? running[Random.Shared.Next(running.Count)] : await NextToDeliverAsync(running);
                await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.NextDouble() * 40));
                await struck.KillAsync();
                running.Remove(struck);
                terms.Add(struck);
                await struck.DisposeAsync();
            }
        }
        finally
        {
            foreach (var process in running)
            {
                await process.DisposeAsync();
                terms.Add(process);
            }

            await isOver.CancelAsync();
            await appending;
        }

        await CheckAsync(store, order, terms);
    }

    [Fact(Timeout = 60 * Minutes)]
    public async Task Killed_with_the_writer_in_one_process_the_state_is_that_which_the_log_makes()
    {
        const int Stores = 2;
        await Parallel.ForEachAsync(Enumerable.Range(0, Stores), async (_, cancellationToken) =>
        {
            await using var place = await Place.MakeAsync("file");
            var order = new ConsumerOrder(
                place.Address, place.Schema, Appends: true, EventsPerCheckpoint: 1, TimeSpan.FromMilliseconds(60));
            var terms = new Terms();
            for (var kill = 0; kill < Kills / Stores; kill++)
            {
                await using var process = Start(order, kill);
                if (kill % 4 != 0) await process.UntilSaidAsync("wrote", Random.Shared.Next(1, 8));
                await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.NextDouble() * (kill % 4 == 0 ? 500 : 20)), cancellationToken);
                await process.KillAsync();
                terms.Add(process);
            }

            await using var store = await order.OpenAsync();
            await CheckAsync(store, order, terms);
        });
    }

    // After every event, now and then, and rarely: a process is then killed with work that must come again.
    private static SuiteProcess Start(ConsumerOrder order, int number) =>
        SuiteProcess.Start(
            typeof(KillTests).Assembly,
            [ConsumerLife.Word, .. (order with { EventsPerCheckpoint = (int)Math.Pow(10, number % 3) }).ToArguments()]);

    // The next that writes, now that those killed before are dead.
    private static async Task<SuiteProcess> NextToDeliverAsync(List<SuiteProcess> running)
    {
        var saidBefore = running.ConvertAll(process => process.Lines.Count);
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            var last = running.Select(process => process.Lines.LastOrDefault("nothing"));
            Assert.True(
                Stopwatch.GetElapsedTime(started) < Patience, $"no process writes any more. They said last: {string.Join("; ", last)}");
            for (var i = 0; i < running.Count; i++)
            {
                if (running[i].HasExited) await running[i].EndAsync();
                if (running[i].Lines.Skip(saidBefore[i]).Any(line => line.StartsWith("wrote", StringComparison.Ordinal))) return running[i];
            }

            await Task.Delay(5);
        }
    }

    private static async Task CheckAsync(IEventStore store, ConsumerOrder order, Terms terms)
    {
        await using var consumer = await store.Consumers.StartAsync(
            ConsumerOrder.Consumer,
            ConsumerSource.Everything,
            new Projection<Tally>(Tally.Empty, (state, committed) => state.Add(committed)),
            order.ToOptions());
        await consumer.WaitUntilCaughtUpAsync();
        var fold = await Tally.FoldAsync(store);
        Assert.Equal(fold, consumer.State);
        terms.CheckThatTheyJoin();
        TestContext.Current.TestOutputHelper?.WriteLine($"{fold.Events} events, {terms.Count} terms from {terms.Places} places");
        Assert.True(terms.Places > Kills / 8, $"{terms.Count} processes began at only {terms.Places} different places: they prove nothing");
    }
}
