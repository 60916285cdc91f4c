using System.Text.Json;
using Spectre.Console;

namespace EventStore.Benchmarks;

/// <summary>W5: everything read in checkpoint order, as bytes and decoded, each beside its floor.</summary>
internal static class ReplayBenchmarks
{
    private const int Streams = 1_000;

    public static async Task RunAsync(long events, int eventsPerCommit)
    {
        AnsiConsole.MarkupLine(
            $"[grey]{events:N0} events, {eventsPerCommit} a commit, body {FileStore.Body.Length} bytes, "
            + $"{Streams:N0} streams round robin[/]");
        using var stored = await FileStore.FillAsync(events, Streams, eventsPerCommit);
        await using var store = await stored.OpenAsync();
        await new SideBySide("Replay as bytes, file engine", "event")
            .Add("bare loop: read, walk, checksum", () => new(BareLog.CountEvents(Path.Combine(stored.Directory, "events"))))
            .Add("bare IAsyncEnumerable of objects", async () =>
            {
                long bytes = 0;
                await foreach (var made in MakeAsync(events)) bytes += made.Length;
                return bytes > 0 ? events : 0;
            })
            .Add("ReadAllAsync, OnDemand", async () => await CountBytesAsync(store))
            .RunAsync();
        await new SideBySide("Replay decoded, file engine, System.Text.Json", "event")
            .Add("bare loop of Deserialize", () =>
            {
                for (long i = 0; i < events; i++)
                    _ = (object)JsonSerializer.Deserialize(FileStore.Body, BenchmarkJson.Default.OrderPlaced)!;
                return new(events);
            })
            .Add("ReadAllAsync, Eager", async () =>
            {
                long count = 0;
                await foreach (var committed in store.ReadAllAsync()) count += committed.Body is OrderPlaced ? 1 : 0;
                return count;
            })
            .RunAsync();
        await store.DisposeAsync();

        await using var engine = stored.OpenEngine();
        await engine.InitializeAsync();
        await new SideBySide("Replay through the engine alone", "event")
            .Add("bare loop: read, walk, checksum", () => new(BareLog.CountEvents(Path.Combine(stored.Directory, "events"))))
            .Add("pages of 512", () => ReadPagesAsync(engine, 512))
            .Add("pages of 4,096", () => ReadPagesAsync(engine, 4096))
            .RunAsync();
    }

    private static async ValueTask<long> CountBytesAsync(IEventStore store)
    {
        long count = 0, bytes = 0;
        await foreach (var committed in store.ReadAllAsync(decoding: EventDecoding.OnDemand))
        {
            count++;
            bytes += committed.Payload.Span[^1];
        }

        return bytes > 0 ? count : 0;
    }

    private static async ValueTask<long> ReadPagesAsync(IPersistenceEngine engine, int pageEvents)
    {
        long count = 0, bytes = 0;
        var position = Checkpoint.Origin;
        while (true)
        {
            var page = await engine.ReadAllAsync(
                new StoreRead(EventFilter.Everything, position, Checkpoint.Max, ReadDirection.Forward, new PageLimit(pageEvents, 4 << 20)));
            foreach (var recorded in page.Events.Span)
            {
                count++;
                bytes += recorded.Record.Body.Span[^1];
            }

            if (page.IsEnd) return bytes > 0 ? count : 0;
            position = page.Position;
        }
    }

    // As many objects as a replay hands out, each about as large, and nothing done for them.
    private static async IAsyncEnumerable<byte[]> MakeAsync(long count)
    {
        for (long i = 0; i < count; i++)
        {
            if (i % 512 == 0) await ValueTask.CompletedTask;
            yield return new byte[120];
        }
    }
}
