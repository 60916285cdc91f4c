using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace EventStore.Benchmarks;

/// <summary>
/// W6 and W7: a store opened to its first read and first append, after a clean close and after a kill, beside an empty store; and the most
/// memory a process takes that does so, or reads everything.
/// </summary>
internal static class OpeningBenchmarks
{
    private const int Rounds = 11;
    private const int EventsPerStream = 10;

    // Several times as many as the index writes at once, as fast as they can be stored: a kill then leaves tails of all lengths.
    private const int FewestTailEvents = 60_000;
    private const int MostTailEvents = 160_000;

    public static async Task RunAsync(long events)
    {
        using var empty = await FileStore.FillAsync(0, 1);
        using var million = await FileStore.FillAsync(1_000_000, 1_000_000 / EventsPerStream);
        using var large = await FileStore.FillAsync(events, (int)(events / EventsPerStream));
        var table = new Table().Title("A store opened to its first read and first append, in ms").Border(TableBorder.Rounded)
            .AddColumn("store").AddColumn(new TableColumn("after a close").RightAligned())
            .AddColumn(new TableColumn("after a kill").RightAligned())
            .AddColumn(new TableColumn("peak memory, MB").RightAligned()).AddColumn(new TableColumn("replaying it, MB").RightAligned());
        var stores = (FileStore[])[empty, million, large];
        var closed = await InTurnAsync(stores, (_, _) => Task.CompletedTask);
        var killed = await InTurnAsync(stores, (store, round) =>
            KillAsync(store, FewestTailEvents + ((MostTailEvents - FewestTailEvents) * round / Rounds)));
        for (var i = 0; i < stores.Length; i++)
        {
            table.AddRow(
                $"{stores[i].Events:N0} events, {stores[i].Streams:N0} streams", Show(closed[i]), Show(killed[i]),
                $"{await PeakOfAsync("open", stores[i])}", $"{await PeakOfAsync("replay", stores[i])}");
        }

        AnsiConsole.Write(table);
    }

    /// <summary>Opens, reads and appends in this process, or reads everything, and prints the most memory it took.</summary>
    public static async Task RunChildAsync(string task, string directory, int streams, int events)
    {
        var store = FileStore.Existing(directory, streams);
        switch (task)
        {
            case "open":
                await OpenAsync(store);
                break;
            case "replay":
                await using (var opened = await store.OpenAsync())
                {
                    await foreach (var committed in opened.ReadAllAsync(decoding: EventDecoding.OnDemand)) _ = committed.Payload;
                }

                break;
            case "append":
                var engine = store.OpenEngine();
                await engine.InitializeAsync();
                await FileStore.AppendAsync(engine, events, streams);
                await Console.Out.WriteLineAsync("stored");
                await Task.Delay(Timeout.Infinite);
                break;
        }

        await Console.Out.WriteLineAsync(ChildProgram.Peak());
    }

    private static async Task<List<double>[]> InTurnAsync(FileStore[] stores, Func<FileStore, int, Task> before)
    {
        var samples = stores.Select(_ => new List<double>()).ToArray();
        for (var round = 0; round <= Rounds; round++)
        {
            for (var i = 0; i < stores.Length; i++)
            {
                await before(stores[i], round);
                var took = await OpenAsync(stores[i]);
                if (round > 0) samples[i].Add(took.TotalMilliseconds);
            }
        }

        return samples;
    }

    private static async Task<TimeSpan> OpenAsync(FileStore store)
    {
        var stream = FileStore.StreamOf(Random.Shared.Next(store.Streams));
        var started = Stopwatch.GetTimestamp();
        await using var engine = store.OpenEngine();
        await engine.InitializeAsync();
        await engine.ReadStreamAsync(
            new StreamRead(stream, new Revision(1), Revision.Max, ReadDirection.Forward, new PageLimit(512, 4 << 20)));
        await FileStore.AppendAsync(engine, 1, 1);
        return Stopwatch.GetElapsedTime(started);
    }

    // Has another process append, and kills it as soon as everything is stored.
    private static async Task KillAsync(FileStore store, int events)
    {
        using var child = Start("append", store, events);
        await child.StandardOutput.ReadLineAsync();
        child.Kill();
        await child.WaitForExitAsync();
    }

    private static async Task<long> PeakOfAsync(string task, FileStore store)
    {
        using var child = Start(task, store);
        var kibibytes = await child.StandardOutput.ReadLineAsync();
        await child.WaitForExitAsync();
        return long.Parse(kibibytes ?? "0", CultureInfo.InvariantCulture) / 1024;
    }

    private static Process Start(string task, FileStore store, int events = 0) =>
        ChildProgram.Start("opening-child", task, store.Directory, store.Streams.ToString(CultureInfo.InvariantCulture),
            events.ToString(CultureInfo.InvariantCulture));

    private static string Show(List<double> samples)
    {
        var sorted = samples.Order().ToArray();
        return $"{sorted[sorted.Length / 2]:0.0} ({sorted[0]:0.0} … {sorted[^1]:0.0})";
    }
}
