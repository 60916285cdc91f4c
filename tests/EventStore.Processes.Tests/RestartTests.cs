using System.Diagnostics;
using EventStore.TestServers;

namespace EventStore.Processes.Tests;

/// <summary>After a process was killed, the next one on the machine need not wait for its lease to end.</summary>
public sealed class RestartTests
{
    private const int Rounds = 3;
    private static readonly TimeSpan Term = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Allowed = TimeSpan.FromSeconds(1);

    [Theory(Timeout = 300_000), InlineData("file"), InlineData("sqlite"), InlineData("postgres")]
    public async Task A_consumer_killed_by_a_signal_is_continued_within_a_second_of_the_restart(string scheme)
    {
        Assert.SkipUnless(
            OperatingSystem.IsLinux() || scheme == "file", "Elsewhere only the lock of the files shows that a process is gone.");
        await using var place = await Place.MakeAsync(scheme);
        var order = new ConsumerOrder(place.Address, place.Schema, Appends: true, EventsPerCheckpoint: 1, Term);
        var took = new List<TimeSpan>();
        var killed = SuiteProcess.Start(typeof(RestartTests).Assembly, [ConsumerLife.Word, .. order.ToArguments()]);
        var free = await FirstEventAfterOpeningAsync(killed);
        await killed.UntilSaidAsync("wrote", 3);
        for (var round = 0; round < Rounds; round++)
        {
            await killed.KillAsync();
            await killed.DisposeAsync();
            var next = SuiteProcess.Start(typeof(RestartTests).Assembly, [ConsumerLife.Word, .. order.ToArguments()]);
            took.Add(await FirstEventAfterOpeningAsync(next));
            killed = next;
        }

        await killed.DisposeAsync();
        var times = string.Join(", ", took.Select(time => $"{time.TotalMilliseconds:0}"));
        TestContext.Current.TestOutputHelper?.WriteLine($"{scheme}: {free.TotalMilliseconds:0} ms with a free name, then {times} ms");

        // A busy machine adds to each, also to the start that found the name free.
        Assert.True(took.Min() < free + Allowed, $"the soonest restart delivered after {took.Min()}, the first start after {free}");
        Assert.True(took.Max() < Term / 2, $"a restart delivered after {took.Max()}, as if a term was waited for");
    }

    private static async Task<TimeSpan> FirstEventAfterOpeningAsync(SuiteProcess consumer)
    {
        await consumer.UntilSaidAsync("open");
        var opened = Stopwatch.GetTimestamp();
        await consumer.UntilSaidAsync("wrote");
        return Stopwatch.GetElapsedTime(opened);
    }
}
