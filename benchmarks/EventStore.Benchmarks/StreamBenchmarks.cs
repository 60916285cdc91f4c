using System.Text.Json;
using Spectre.Console;

namespace EventStore.Benchmarks;

/// <summary>W4: one stream of 1,000 events among many, read again and again; in a small store and in a large one.</summary>
internal static class StreamBenchmarks
{
    private const int EventsPerStream = 1_000;
    private const int Times = 300;

    public static async Task RunAsync(long events)
    {
        using var small = await FileStore.FillAsync(1_000_000, 1_000_000 / EventsPerStream);
        using var large = await FileStore.FillAsync(events, (int)(events / EventsPerStream));
        await using var fromSmall = await small.OpenAsync();
        await using var fromLarge = await large.OpenAsync();
        await new SideBySide($"A stream of 1,000 events, warm, its commits {large.Streams:N0} apart", "event")
            .Add("bare loop of Deserialize", () =>
            {
                for (var i = 0; i < EventsPerStream * Times; i++)
                    _ = (object)JsonSerializer.Deserialize(FileStore.Body, BenchmarkJson.Default.OrderPlaced)!;
                return new(EventsPerStream * Times);
            })
            .Add("bare preads of as many places", () => PreadAsync(large))
            .Add($"as bytes, among {small.Events:N0}", () => ReadAsync(fromSmall, small.Streams, EventDecoding.OnDemand))
            .Add($"as bytes, among {large.Events:N0}", () => ReadAsync(fromLarge, large.Streams, EventDecoding.OnDemand))
            .Add($"decoded, among {small.Events:N0}", () => ReadAsync(fromSmall, small.Streams, EventDecoding.Eager))
            .Add($"decoded, among {large.Events:N0}", () => ReadAsync(fromLarge, large.Streams, EventDecoding.Eager))
            .RunAsync();
    }

    private static async ValueTask<long> ReadAsync(IEventStore store, int streams, EventDecoding decoding)
    {
        long count = 0, bytes = 0;
        var stream = FileStore.StreamOf(streams / 2);
        for (var time = 0; time < Times; time++)
        {
            await foreach (var committed in store.ReadStreamAsync(stream, decoding: decoding))
            {
                count++;
                bytes += committed.Payload.Span[^1];
            }
        }

        return bytes > 0 ? count : 0;
    }

    // As many reads of a commit's size, each elsewhere, as such a stream needs.
    private static ValueTask<long> PreadAsync(FileStore stored)
    {
        Span<byte> into = stackalloc byte[352];
        var segments = Directory.EnumerateFiles(Path.Combine(stored.Directory, "events", "log"), "*.seg");
        using var file = File.OpenHandle(segments.Order(StringComparer.Ordinal).First());
        var length = RandomAccess.GetLength(file) - into.Length;
        long bytes = 0;
        for (var time = 0; time < Times; time++)
        {
            for (var i = 0; i < EventsPerStream; i++) bytes += RandomAccess.Read(file, into, length / EventsPerStream * i);
        }

        return new(bytes > 0 ? EventsPerStream * Times : 0);
    }
}
