using System.Diagnostics;
using System.Runtime.Versioning;
using EventStore.TestServers;

namespace EventStore.Processes.Tests;

/// <summary>A process that is halted while it has a consumer's name is replaced in time, and writes nothing when it goes on.</summary>
[SupportedOSPlatform("linux")]
public sealed class FencingTests
{
    private const int Minutes = 60_000; // in milliseconds, for time limits
    private static readonly int Rounds = Environment.GetEnvironmentVariable("EVENTSTORE_CONFORMANCE") == "long" ? 50 : 5;
    private static readonly TimeSpan Term = TimeSpan.FromMilliseconds(600);

    [Theory(Timeout = 10 * Minutes), InlineData("sqlite"), InlineData("postgres")]
    public async Task A_halted_process_is_replaced_within_a_term_and_a_poll_and_cannot_overwrite_newer_progress(string scheme)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Processes are halted by the signals of Linux.");
        await using var place = await Place.MakeAsync(scheme);
        var order = new ConsumerOrder(place.Address, place.Schema, Appends: false, EventsPerCheckpoint: 1, Term);
        await using var store = await order.OpenAsync();
        using var isOver = new CancellationTokenSource();
        var appending = ConsumerLife.AppendAsync(store, 0, isOver.Token);
        await using var first = SuiteProcess.Start(typeof(FencingTests).Assembly, [ConsumerLife.Word, .. order.ToArguments()]);
        await first.UntilSaidAsync("wrote");
        await using var second = SuiteProcess.Start(typeof(FencingTests).Assembly, [ConsumerLife.Word, .. order.ToArguments()]);
        await second.UntilSaidAsync("open");
        var (holder, waiting, times) = (first, second, new List<TimeSpan>());
        for (var round = 0; round < Rounds; round++)
        {
            // Until the one that goes on waits again and has seen the other alive.
            await Task.Delay(Term + TimeSpan.FromMilliseconds(Random.Shared.Next(100, 300)));
            var (deliveries, writes) = (Count(waiting, "from"), Count(holder, "wrote"));
            holder.Suspend();
            var halted = Stopwatch.GetTimestamp();
            await waiting.UntilSaidAsync("from", deliveries + 1);
            times.Add(Stopwatch.GetElapsedTime(halted));
            await waiting.UntilSaidAsync("wrote", Count(waiting, "wrote") + 3);
            holder.Continue();
            await waiting.UntilSaidAsync("wrote", Count(waiting, "wrote") + 3);
            Assert.True(Count(holder, "wrote") <= writes + 1, "a process that lost its name went on writing"); // one line may have been on its way
            (holder, waiting) = (waiting, holder);
        }

        await isOver.CancelAsync();
        await appending;
        await first.KillAsync();
        await second.KillAsync();
        await CheckAsync(store, order, first, second, times);
    }

    private static async Task CheckAsync(IEventStore store, ConsumerOrder order, SuiteProcess first, SuiteProcess second, List<TimeSpan> times)
    {
        var terms = new Terms();
        terms.Add(first);
        terms.Add(second);
        terms.CheckThatTheyJoin();
        await using var consumer = await store.Consumers.StartAsync(ConsumerOrder.Consumer, ConsumerSource.Everything, new Projection<Tally>(Tally.Empty, (state, committed) => state.Add(committed)), order.ToOptions());
        await consumer.WaitUntilCaughtUpAsync();
        Assert.Equal(await Tally.FoldAsync(store), consumer.State);

        // A busy machine adds to each, hardly to all.
        var allowed = Term + order.ToOptions().PollInterval;
        TestContext.Current.TestOutputHelper?.WriteLine($"taken over after {string.Join(", ", times.Select(time => $"{time.TotalMilliseconds:0}"))} ms");
        Assert.True(times.Min() < allowed + TimeSpan.FromMilliseconds(200), $"the soonest take-over came after {times.Min()}, where {allowed} is promised");
    }

    private static int Count(SuiteProcess process, string word) => process.Lines.Count(line => line.StartsWith(word, StringComparison.Ordinal));
}
