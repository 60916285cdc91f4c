using System.Diagnostics;
using Spectre.Console;

namespace EventStore.Benchmarks;

/// <summary>Commands to one long stream of the file engine, by how its state is kept, beside appends that decide nothing.</summary>
internal static class DeciderBenchmarks
{
    private const int SnapshotEvery = 1_000;
    private const int Commands = 3_000;

    // Written by few large commits, as filling it is not measured.
    private const int EventsPerCommit = 10;

    private static readonly StreamId Stream = FileStore.StreamOf(0);

    private static readonly Decider<OrderTotal, OrderPlaced> Totals = new(
        new OrderTotal(0, 0),
        (order, _) => [order],
        (total, @event) => @event is OrderPlaced order
            ? new OrderTotal(total.Orders + 1, total.Amount + (order.Quantity * order.Price))
            : total)
    {
        Snapshots = SnapshotPolicy.Every(SnapshotEvery),
    };

    public static async Task RunAsync(long events)
    {
        using var stored = await FileStore.FillAsync(events, 1, EventsPerCommit);
        var table = new Table().Title($"A command to a stream of {events:N0} events, in ms").Border(TableBorder.Rounded)
            .AddColumn("durability").AddColumn("what").AddColumn(new TableColumn("p50").RightAligned())
            .AddColumn(new TableColumn("p99").RightAligned());
        foreach (var durability in (Durability[])[Durability.Durable, Durability.Fast])
        {
            await using var store = await OpenAsync(stored.Directory, durability);
            await AddAsync(table, $"{durability}", "all events read, as without a snapshot", 1, () =>
                store.LoadAsync(Stream, Totals with { Snapshots = null }));
            await ExecuteAsync(store, Totals);
            await AddAsync(table, "", $"a snapshot every {SnapshotEvery:N0}", Commands, () => ExecuteAsync(store, Totals));
            var cached = Totals with { Cache = new(100) };
            await ExecuteAsync(store, cached);
            await AddAsync(table, "", "and states cached", Commands, () => ExecuteAsync(store, cached));
            await AddAsync(table, "", "AppendAsync, which reads nothing", Commands, () => store.AppendAsync(Stream, OrderPlaced.Sample));
        }

        AnsiConsole.Write(table);
    }

    private static ValueTask<CommitResult?> ExecuteAsync(IEventStore store, Decider<OrderTotal, OrderPlaced> decider) =>
        store.ExecuteAsync(Stream, decider, OrderPlaced.Sample);

    private static async Task AddAsync<T>(Table table, string durability, string what, int count, Func<ValueTask<T>> run)
    {
        var took = new double[count];
        for (var i = 0; i < count; i++)
        {
            var started = Stopwatch.GetTimestamp();
            await run();
            took[i] = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        }

        Array.Sort(took);
        table.AddRow(durability, what, $"{took[count / 2]:N3}", $"{took[count * 99 / 100]:N3}");
    }

    private static ValueTask<IEventStore> OpenAsync(string directory, Durability durability) => Wireup.Init()
        .UsingFileSystemPersistence(directory, new FileSystemOptions { Durability = durability })
        .UsingJsonSerialization(
            BenchmarkJson.Default, types => types.Register<OrderPlaced>("order-placed").Register<OrderTotal>("order-total"))
        .BuildAsync();
}

/// <summary>What the orders of a stream sum up to.</summary>
internal sealed record OrderTotal(long Orders, decimal Amount);
