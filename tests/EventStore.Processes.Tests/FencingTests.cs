using System.Diagnostics;
using System.Runtime.Versioning;
using EventStore.TestServers;
using EventStore.TestSupport;

namespace EventStore.Processes.Tests;

/// <summary>A process that is halted while it has a consumer's name is replaced in time, and writes nothing when it goes on.</summary>
[SupportedOSPlatform("linux")]
public sealed class FencingTests
{
    private const int Minutes = 60_000; // in milliseconds, for time limits
    private static readonly int Rounds = LongRun.IsAskedFor ? 50 : 5;
    private static readonly TimeSpan Term = TimeSpan.FromMilliseconds(900);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private readonly List<TimeSpan> takenOverAfter = [];

    [Theory(Timeout = 10 * Minutes), InlineData("sqlite"), InlineData("postgres")]
    public async Task A_halted_process_is_replaced_within_a_term_and_a_poll_and_cannot_overwrite_newer_progress(string scheme)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Processes are halted by the signals of Linux.");
        await using var place = await Place.MakeAsync(scheme);
        var order = new ConsumerOrder(place.Address, place.Schema, Appends: false, EventsPerCheckpoint: 1, Term)
        {
            Step = TimeSpan.FromMilliseconds(40),
        };
        await using var store = await order.OpenAsync();
        using var isOver = new CancellationTokenSource();
        var appending = ConsumerLife.AppendAsync(store, 0, isOver.Token);
        await using var first = SuiteProcess.Start(typeof(FencingTests).Assembly, [ConsumerLife.Word, .. order.ToArguments()]);
        await first.UntilSaidAsync("wrote", 2);
        await using var second = SuiteProcess.Start(typeof(FencingTests).Assembly, [ConsumerLife.Word, .. order.ToArguments()]);
        await second.UntilSaidAsync("open");
        for (var tries = 0; takenOverAfter.Count < Rounds; tries++)
        {
            Assert.True(tries < Rounds * 4, $"of {tries} halted processes only {takenOverAfter.Count} were replaced");
            var (holder, waiting) = await FindHolderAsync(first, second);
            await TryReplaceAsync(holder, waiting);
        }

        await isOver.CancelAsync();
        await appending;
        await first.KillAsync();
        await second.KillAsync();
        await CheckAsync(store, order, first, second);
    }

    // The holder is the process that goes on writing. It may be another one after a try: a process that is halted in the middle of a
    // transaction keeps the database locked, and no name helps against that.
    private static async Task<(SuiteProcess Holder, SuiteProcess Waiting)> FindHolderAsync(SuiteProcess first, SuiteProcess second)
    {
        var (ofFirst, ofSecond) = (first.Count("wrote"), second.Count("wrote"));
        while (true)
        {
            if (first.Count("wrote") > ofFirst + 1) return (first, second);
            if (second.Count("wrote") > ofSecond + 1) return (second, first);
            await Task.Delay(5);
        }
    }

    private async Task TryReplaceAsync(SuiteProcess holder, SuiteProcess waiting)
    {
        // By now the one that waits has seen the holder alive.
        await Task.Delay(Term + TimeSpan.FromMilliseconds(Random.Shared.Next(300)));
        await holder.UntilSaidAsync("wrote", holder.Count("wrote") + 1);
        await Task.Delay(Random.Shared.Next(5, 30));
        var terms = waiting.Count("from");
        holder.Suspend();
        var halted = Stopwatch.GetTimestamp();
        var isReplaced = await HasSaidAsync(waiting, "from", terms + 1);
        var took = Stopwatch.GetElapsedTime(halted);
        if (isReplaced) await waiting.UntilSaidAsync("wrote", waiting.Count("wrote") + 3);

        // Counted only now: what it said before it was halted has come in meanwhile.
        var (written, held) = (holder.Count("wrote"), holder.Count("from"));
        holder.Continue();
        if (!isReplaced) return;

        takenOverAfter.Add(took);
        await waiting.UntilSaidAsync("wrote", waiting.Count("wrote") + 10);

        // It may say what it had written when it was halted; and where the other process was kept waiting for a whole term, it has the name
        // again.
        Assert.True(holder.Count("wrote") <= written + 1 || holder.Count("from") > held, "a process that lost its name went on writing");
    }

    private static async Task<bool> HasSaidAsync(SuiteProcess process, string word, int times)
    {
        var started = Stopwatch.GetTimestamp();
        while (process.Count(word) < times)
        {
            if (Stopwatch.GetElapsedTime(started) > Patience) return false;
            await Task.Delay(5);
        }

        return true;
    }

    private async Task CheckAsync(IEventStore store, ConsumerOrder order, SuiteProcess first, SuiteProcess second)
    {
        var terms = new Terms();
        terms.Add(first);
        terms.Add(second);
        terms.CheckThatTheyJoin();
        await using var consumer = await store.Consumers.StartAsync(
            ConsumerOrder.Consumer,
            ConsumerSource.Everything,
            new Projection<Tally>(Tally.Empty, (state, committed) => state.Add(committed)),
            order.ToOptions());
        await consumer.WaitUntilCaughtUpAsync();
        Assert.Equal(await Tally.FoldAsync(store), consumer.State);

        // A busy machine adds to each, hardly to all.
        var allowed = Term + order.ToOptions().PollInterval;
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"taken over after {string.Join(", ", takenOverAfter.Select(time => $"{time.TotalMilliseconds:0}"))} ms");
        Assert.True(
            takenOverAfter.Min() < allowed + TimeSpan.FromMilliseconds(200),
            $"the soonest take-over came after {takenOverAfter.Min()}, where {allowed} is promised");
    }
}
