using System.Text.Json;

namespace EventStore.Benchmarks;

/// <summary>A store of the file engine in a folder of its own, filled for reading and removed afterwards.</summary>
internal sealed class FileStore : IDisposable
{
    private const int CommitsPerBatch = 1_000;

    private FileStore(string directory, long events, int streams) => (Directory, Events, Streams) = (directory, events, streams);

    public static byte[] Body { get; } = JsonSerializer.SerializeToUtf8Bytes(OrderPlaced.Sample, BenchmarkJson.Default.OrderPlaced);

    public string Directory { get; }

    public long Events { get; }

    public int Streams { get; }

    /// <summary>Fills a store: streams in turn, so many events a commit.</summary>
    public static async Task<FileStore> FillAsync(long events, int streams, int eventsPerCommit = 1)
    {
        var store = new FileStore(System.IO.Directory.CreateTempSubdirectory("eventstore-read-").FullName, events, streams);
        await using var engine = store.OpenEngine();
        await engine.InitializeAsync();
        await AppendAsync(engine, events, streams, eventsPerCommit);
        return store;
    }

    /// <summary>A store that another process filled, and removes.</summary>
    public static FileStore Existing(string directory, int streams) => new(directory, 0, streams);

    public static async Task AppendAsync(IPersistenceEngine engine, long events, int streams, int eventsPerCommit = 1)
    {
        var commits = events / eventsPerCommit;
        var attempts = new List<CommitAttempt>(CommitsPerBatch);
        for (long i = 0; i < commits; i++)
        {
            var records = new EventRecord[eventsPerCommit];
            for (var at = 0; at < records.Length; at++) records[at] = new EventRecord(SequentialGuid.Next(), "order-placed", Body);
            attempts.Add(new CommitAttempt(StreamOf((int)(i % streams)), SequentialGuid.Next(), records));
            if (attempts.Count < CommitsPerBatch && i < commits - 1) continue;
            await engine.CommitAsync(attempts);
            attempts.Clear();
        }
    }

    public static StreamId StreamOf(int number) => new("bench", "order", $"order-{number:D8}");

    public IPersistenceEngine OpenEngine() =>
        new EngineCatalogue().AddFileSystem(Options()).Create("file:" + Directory, EngineContext.Default);

    public ValueTask<IEventStore> OpenAsync() => Wireup.Init()
        .UsingFileSystemPersistence(Directory, Options())
        .UsingJsonSerialization(BenchmarkJson.Default, types => types.Register<OrderPlaced>("order-placed"))
        .BuildAsync();

    public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);

    private static FileSystemOptions Options() => new() { Durability = Durability.Fast };
}
