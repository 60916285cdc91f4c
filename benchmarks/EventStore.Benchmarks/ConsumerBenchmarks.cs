using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace EventStore.Benchmarks;

/// <summary>
/// What consumers cost over a file store: one and ten beside a bare read of the same events, one with a rare filter, and one
/// that follows live.
/// </summary>
internal static class ConsumerBenchmarks
{
    private const int Streams = 1_000;
    private const int EventsPerCheckpoint = 1_000;
    private const int Together = 10;
    private const int OneIn = 10_000;
    private const int LiveEvents = 2_000;
    private const string RareCategory = "rare";
    private static int started;

    public static async Task RunAsync(long events)
    {
        using (var stored = await FileStore.FillAsync(events, Streams)) await CatchUpAsync(stored);
        await RareAsync(events * 5);
        await LiveAsync();
    }

    /// <summary>
    /// Lets a consumer with a rare filter run to the end of a store, and prints what it took: events, ms, ms of processor
    /// time, writes, KiB.
    /// </summary>
    public static async Task RunChildAsync(string directory)
    {
        await using var store = await FileStore.Existing(directory, Streams).OpenAsync();
        var (delivered, written, clock) = (0, 0, new Clock());
        var options = new ConsumerOptions { OnPersisted = _ => written++ };
        await using (var consumer = await store.Consumers.StartAsync(
            "rare", ConsumerSource.OfCategory(RareCategory), (committed, _) => Count(committed, ref delivered), options))
            await consumer.WaitUntilCaughtUpAsync();
        clock.Stop();
        await Console.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
            $"{delivered} {clock.Took.TotalMilliseconds:0} {clock.Worked.TotalMilliseconds:0} {written} {ChildProgram.Peak()}"));
    }

    private static async Task CatchUpAsync(FileStore stored)
    {
        await using var store = await stored.OpenAsync();
        await new SideBySide($"Catching up over {stored.Events:N0} events, a checkpoint every {EventsPerCheckpoint:N0}", "event")
            .Add("ReadAllAsync, OnDemand", async () =>
            {
                var count = 0;
                await foreach (var committed in store.ReadAllAsync(decoding: EventDecoding.OnDemand)) await Count(committed, ref count);
                return count;
            })
            .Add("one consumer", () => ConsumeAsync(store, stored.Events, 1))
            .Add($"{Together} consumers at once", () => ConsumeAsync(store, stored.Events, Together))
            .RunAsync();
    }

    // Events of the store, not deliveries: ten that cost as much as one show the same rate.
    private static async ValueTask<long> ConsumeAsync(IEventStore store, long events, int consumers)
    {
        await Task.WhenAll(Enumerable.Range(0, consumers).Select(_ => Task.Run(async () =>
        {
            var count = 0;
            await using var consumer = await store.Consumers.StartAsync(
                $"consumer-{Interlocked.Increment(ref started)}", ConsumerSource.Everything, (committed, _) => Count(committed, ref count),
                new ConsumerOptions { EventsPerCheckpoint = EventsPerCheckpoint });
            await consumer.WaitUntilCaughtUpAsync();
            if (count != events) throw new InvalidOperationException($"A consumer was delivered {count:N0} of {events:N0} events.");
        })));
        return events;
    }

    private static async Task RareAsync(long events)
    {
        using var stored = await FileStore.FillAsync(0, Streams);
        await using (var engine = stored.OpenEngine())
        {
            await engine.InitializeAsync();
            for (long i = 0; i < events / OneIn; i++)
            {
                await FileStore.AppendAsync(engine, OneIn - 1, Streams);
                var stream = new StreamId("bench", RareCategory, "1");
                var rare = new EventRecord(SequentialGuid.Next(), "order-placed", FileStore.Body);
                await engine.CommitAsync([new CommitAttempt(stream, SequentialGuid.Next(), [rare])]);
            }
        }

        using var child = ChildProgram.Start("consumers-child", stored.Directory);
        var printed = (await child.StandardOutput.ReadToEndAsync()).Split(' ')
            .Select(word => long.Parse(word, CultureInfo.InvariantCulture)).ToArray();
        await child.WaitForExitAsync();
        AnsiConsole.MarkupLine(
            $"A filter that means {printed[0]:N0} of {events:N0} events: {printed[1]:N0} ms, "
            + $"processor time {printed[2] * 1e6 / events:0} ns an event, {printed[3]} checkpoints, peak memory {printed[4] / 1024} MB");
    }

    private static async Task LiveAsync()
    {
        using var stored = await FileStore.FillAsync(0, 1);
        await using var store = await stored.OpenAsync();
        var arrived = new TaskCompletionSource<long>();
        await using var consumer = await store.Consumers.StartAsync("live", ConsumerSource.Everything, (_, _) =>
        {
            arrived.SetResult(Stopwatch.GetTimestamp());
            return default;
        });
        var (sinceAsked, sinceStored) = (new List<double>(), new List<double>());
        for (var i = 0; i < LiveEvents; i++)
        {
            arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
            var asked = Stopwatch.GetTimestamp();
            await store.AppendAsync("stream", OrderPlaced.Sample);
            var returned = Stopwatch.GetTimestamp();
            var delivered = await arrived.Task;
            sinceAsked.Add(Stopwatch.GetElapsedTime(asked, delivered).TotalMicroseconds);
            sinceStored.Add(delivered < returned ? 0 : Stopwatch.GetElapsedTime(returned, delivered).TotalMicroseconds);
        }

        AnsiConsole.MarkupLine(
            $"Live, in one process: from AppendAsync called to delivered {Show(sinceAsked)}, from returned {Show(sinceStored)}");
    }

    private static string Show(List<double> samples)
    {
        var sorted = samples.Order().ToArray();
        return $"{sorted[sorted.Length / 2]:N0} µs (99 in 100 within {sorted[sorted.Length * 99 / 100]:N0})";
    }

    private static ValueTask Count(CommittedEvent committed, ref int count)
    {
        if (committed.Payload.Length > 0) count++;
        return default;
    }
}
