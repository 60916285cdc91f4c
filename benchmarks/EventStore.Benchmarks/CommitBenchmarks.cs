using System.Buffers;
using System.Text.Json;
using Spectre.Console;

namespace EventStore.Benchmarks;

/// <summary>What commits cost over the file engine, beside a bare loop that writes records of the same size.</summary>
internal sealed class CommitBenchmarks(string directory, IReadOnlyList<OtherProgram> others)
{
    private const int Streams = 1_000;
    private static readonly byte[] Body = JsonSerializer.SerializeToUtf8Bytes(OrderPlaced.Sample, BenchmarkJson.Default.OrderPlaced);
    private static readonly StreamId[] StreamIds = [.. Enumerable.Range(0, Streams).Select(i => new StreamId("bench", "order", $"{i}"))];

    /// <summary>One committer that awaits each of its commits of one event.</summary>
    public async Task OneCommitterAsync(Durability durability)
    {
        var commits = CommitsOf(durability);
        var name = durability == Durability.Durable ? "durable-1" : "fast-1";
        var recordBytes = await RecordBytesAsync(events: 1);
        Print($"{commits:N0} commits a round, record {recordBytes} bytes");
        await new SideBySide($"{durability}, one committer, one event a commit", "commit")
            .Add("bare loop over a file", clock =>
                new(BareFile.Write(PathOf("bare"), clock, recordBytes, commits, durability == Durability.Durable)))
            .Add("bare engine", clock => EngineAsync(durability, clock, commits))
            .Add("AppendAsync", clock => AppendAsync(durability, clock, commits, events: 1))
            .Add(OthersOf(name))
            .RunAsync();
    }

    /// <summary>64 committers at once, beside one.</summary>
    public async Task ManyCommittersAsync(Durability durability)
    {
        const int Committers = 64, ManyCommits = 200_000;
        var commits = CommitsOf(durability);
        Print($"{commits:N0} commits a round of one committer, {ManyCommits:N0} of {Committers}");
        await new SideBySide($"{durability}, {Committers} committers", "commit")
            .Add("AppendAsync, one committer", clock => AppendAsync(durability, clock, commits, events: 1))
            .Add($"AppendAsync, {Committers} committers", clock => ConcurrentlyAsync(durability, clock, ManyCommits, Committers))
            .Add(OthersOf(durability == Durability.Durable ? "durable-64" : "fast-64"))
            .RunAsync();
    }

    /// <summary>One committer that awaits each of its commits of ten events.</summary>
    public async Task TenEventsAsync(Durability durability)
    {
        var commits = CommitsOf(durability) / 4;
        var recordBytes = await RecordBytesAsync(events: 10);
        Print($"{commits:N0} commits a round, record {recordBytes} bytes");
        await new SideBySide($"{durability}, one committer, ten events a commit", "event")
            .Add("bare loop over a file", clock =>
                new(10 * BareFile.Write(PathOf("bare"), clock, recordBytes, commits, durability == Durability.Durable)))
            .Add("AppendAsync", clock => AppendAsync(durability, clock, commits, events: 10))
            .Add(OthersOf(durability == Durability.Durable ? "durable-10" : "fast-10"))
            .RunAsync();
    }

    /// <summary>100,000 events, from opening an empty store to closing it.</summary>
    public async Task HundredThousandAsync()
    {
        const int Events = 100_000;
        var recordBytes = await RecordBytesAsync(events: 1);
        var measured = await new SideBySide("Fast, 100,000 events from opening to closing the store", "event")
            .Add("bare loop over a file", clock => new(BareFile.Write(PathOf("bare"), clock, recordBytes, Events, isFlushed: false)))
            .Add("one event a commit", clock => AppendAsync(Durability.Fast, clock, Events, events: 1, isOpeningCounted: true))
            .Add("ten events a commit", clock => AppendAsync(Durability.Fast, clock, Events / 10, events: 10, isOpeningCounted: true))
            .Add("one event a commit, the log compressed", clock => CompressedAsync(clock, Events))
            .Add(OthersOf("fast-100k"))
            .RunAsync();
        foreach (var one in measured) Print($"{one.Name}: {Events / one.Median:0.000} s");
    }

    /// <summary>Bytes on disk of commits of one event, once everything is closed, above what the application handed over.</summary>
    public async Task DiskAsync()
    {
        foreach (var streams in (int[])[Streams, 1_000_000])
        {
            const int Commits = 1_000_000;
            var path = PathOf("disk");
            await using (var store = await OpenAsync(path, Durability.Fast))
            {
                for (var i = 0; i < Commits; i++)
                {
                    var stream = new StreamId("bench", "order", $"{i % streams:D7}");
                    await store.AppendAsync(stream, ExpectedRevision.Any, [new EventMessage(Body)]);
                }
            }

            var ownBytes = Body.Length + "bench".Length + "order".Length + 7 + "order-placed".Length;
            var log = SizeOf(Path.Combine(path, "events", "log"));
            var index = SizeOf(Path.Combine(path, "events")) - log;
            Print($"{Commits:N0} commits of one event in {streams:N0} streams: "
                + $"{(log + index) / (double)Commits - ownBytes:0.0} bytes a commit above body, names and type ({ownBytes}): "
                + $"log {log / (double)Commits - ownBytes:0.0}, index and the rest {index / (double)Commits:0.0}");
            Directory.Delete(path, recursive: true);
        }
    }

    /// <summary>
    /// A million streams made one after another, one commit each: whether the last are as cheap as the first, and how many files are open.
    /// </summary>
    public async Task MillionStreamsAsync()
    {
        const int Made = 1_000_000;
        var (took, worked) = (new double[10], new double[10]);
        var (rounds, work) = (new List<double>(), new List<double>());
        for (var round = 0; round <= 5; round++)
        {
            var path = PathOf("streams");
            var handles = 0;
            await using (var store = await OpenAsync(path, Durability.Fast))
            {
                for (var tenth = 0; tenth < took.Length; tenth++)
                {
                    var clock = new Clock();
                    for (var i = 0; i < Made / 10; i++)
                        await store.AppendAsync(new StreamId("bench", "order", $"{(tenth * (Made / 10)) + i}"), ExpectedRevision.NoStream,
                            [new EventMessage(Body)]);
                    clock.Stop();
                    (took[tenth], worked[tenth]) = (clock.Took.TotalNanoseconds / (Made / 10), clock.Worked.TotalNanoseconds / (Made / 10));
                    handles = Math.Max(handles, OpenHandles());
                }
            }

            Directory.Delete(path, recursive: true);
            if (round == 0) continue;
            rounds.Add(took[^1] / took[0]);
            work.Add(worked[^1] / worked[0]);
            Print($"ns an append, tenth by tenth: {string.Join(" ", took.Select(tenth => $"{tenth:0}"))}; "
                + $"of processor time: {string.Join(" ", worked.Select(tenth => $"{tenth:0}"))}; at most {handles} open files");
        }

        rounds.Sort();
        work.Sort();
        Print($"1,000,000 streams made: last tenth / first tenth, median {rounds[2]:0.00} ({rounds[0]:0.00} … {rounds[^1]:0.00}); "
            + $"of processor time, which includes the work beside the writer, {work[2]:0.00} ({work[0]:0.00} … {work[^1]:0.00})");
    }

    private static int CommitsOf(Durability durability) => durability == Durability.Durable ? 10_000 : 300_000;

    private IEnumerable<OtherProgram> OthersOf(string benchmark) => others.Where(other => other.Benchmark == benchmark);

    private async ValueTask<long> EngineAsync(Durability durability, Clock clock, int commits)
    {
        var path = PathOf("engine");
        var engine = new EngineCatalogue().AddFileSystem(OptionsOf(durability)).Create("file:" + path, EngineContext.Default);
        await using (engine)
        {
            await engine.InitializeAsync();
            clock.Restart();
            for (var i = 0; i < commits; i++)
            {
                var one = new EventRecord(SequentialGuid.Next(), "order-placed", Body);
                await engine.CommitAsync(
                    [new CommitAttempt(StreamIds[i % Streams], SequentialGuid.Next(), [one])]);
            }

            clock.Stop();
        }

        Directory.Delete(path, recursive: true);
        return commits;
    }

    private async ValueTask<long> AppendAsync(Durability durability, Clock clock, int commits, int events, bool isOpeningCounted = false)
    {
        var path = PathOf("store");
        clock.Restart();
        await using (var store = await OpenAsync(path, durability))
        {
            if (!isOpeningCounted) clock.Restart();
            for (var i = 0; i < commits; i++) await store.AppendAsync(StreamIds[i % Streams], ExpectedRevision.Any, Messages(events));
            if (!isOpeningCounted) clock.Stop();
        }

        clock.Stop();
        Directory.Delete(path, recursive: true);
        return commits * events;
    }

    // Until all of the log is compressed, not only what was sealed and done beside the commits.
    private async ValueTask<long> CompressedAsync(Clock clock, int commits)
    {
        var path = PathOf("store");
        var options = OptionsOf(Durability.Fast);
        (options.Compression, options.SegmentSizeBytes) = (FileSystemCompression.Brotli, 4 << 20);
        clock.Restart();
        var files = new FileSystemStore(path, options);
        var wireup = Wireup.Init().UsingFileSystemPersistence(files).UsingCustomSerialization(new IdentitySerializer());
        await using (var store = await wireup.InitializeStorageEngine().BuildAsync())
        {
            for (var i = 0; i < commits; i++) await store.AppendAsync(StreamIds[i % Streams], ExpectedRevision.Any, Messages(1));
            await files.CompactAsync();
        }

        clock.Stop();
        Directory.Delete(path, recursive: true);
        return commits;
    }

    private async ValueTask<long> ConcurrentlyAsync(Durability durability, Clock clock, int commits, int committers)
    {
        var path = PathOf("store");
        await using (var store = await OpenAsync(path, durability))
        {
            var next = -1;
            clock.Restart();
            await Task.WhenAll(Enumerable.Range(0, committers).Select(_ => Task.Run(async () =>
            {
                while (Interlocked.Increment(ref next) is var i && i < commits)
                    await store.AppendAsync(StreamIds[i % Streams], ExpectedRevision.Any, Messages(1));
            })));
            clock.Stop();
        }

        Directory.Delete(path, recursive: true);
        return commits;
    }

    // How long the records of the log are, head and padding included: what a bare loop has to write.
    private async ValueTask<int> RecordBytesAsync(int events)
    {
        const int Commits = 2_000;
        var path = PathOf("record");
        await using (var store = await OpenAsync(path, Durability.Fast))
        {
            for (var i = 0; i < Commits; i++) await store.AppendAsync(StreamIds[i % Streams], ExpectedRevision.Any, Messages(events));
        }

        var bytes = SizeOf(Path.Combine(path, "events", "log")) / Commits;
        Directory.Delete(path, recursive: true);
        return (int)bytes;
    }

    private static EventMessage[] Messages(int events)
    {
        var messages = new EventMessage[events];
        for (var i = 0; i < events; i++) messages[i] = new EventMessage(Body);
        return messages;
    }

    private static ValueTask<IEventStore> OpenAsync(string path, Durability durability) =>
        Wireup.Init().UsingFileSystemPersistence(path, OptionsOf(durability)).UsingCustomSerialization(new IdentitySerializer())
            .InitializeStorageEngine().BuildAsync();

    private static FileSystemOptions OptionsOf(Durability durability) => new() { Durability = durability };

    private string PathOf(string name)
    {
        var path = Path.Combine(directory, $"eventstore-benchmark-{Environment.ProcessId}-{name}");
        if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
        return path;
    }

    private static long SizeOf(string folder) =>
        new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);

    private static int OpenHandles() => Directory.Exists("/proc/self/fd")
        ? Directory.GetFiles("/proc/self/fd").Length
        : System.Diagnostics.Process.GetCurrentProcess().HandleCount;

    private static void Print(string what) => AnsiConsole.MarkupLine($"[grey]{Markup.Escape(what)}[/]");
}
