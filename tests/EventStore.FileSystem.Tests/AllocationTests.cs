using System.Buffers;
using EventStore.FileSystem.Engine;
using EventStore.FileSystem.Recovery;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Tests;

/// <summary>
/// What a commit allocates on its way from the caller to the file, its part of the index in memory included. Index runs are written
/// beside it.
/// </summary>
public sealed class AllocationTests : IDisposable
{
    private const int Streams = 1_000;
    private const int Commits = 140_000; // at least two parts of the index, so that starting one weighs as much as in the long run
    private const int MostBytes = 650;
    private static readonly byte[] Body = new byte[200];
    private readonly TestDirectory directory = new();
    private readonly ThreadLocal<long> bytesBeside = new();

    public void Dispose()
    {
        directory.Dispose();
        bytesBeside.Dispose();
    }

    [Fact]
    public async Task A_commit_allocates_at_most_650_bytes()
    {
        var options = new FileSystemOptions { Durability = Durability.Fast };
        var settings = FileSystemEngines.SettingsOf(options);
        var files = new StoreFiles(
            FileSystemEngines.DiskOf(directory.Path, options), settings with { Log = settings.Log with { InBackground = RunBeside } });
        await using var store = await Wireup.Init()
            .UsingPersistence("files", context => new FileSystemPersistenceEngine(
                files, new EngineDurability(Durability.Fast, "written", []), context))
            .UsingCustomSerialization(new BytesAsTheyAre())
            .InitializeStorageEngine()
            .BuildAsync();
        var names = Enumerable.Range(0, Streams).Select(i => new StreamId("bucket", "order", $"order-{i}")).ToArray();
        EventMessage[] events = [new EventMessage(Body)];
        AppendAll(store, names, events);
        var bytes = AppendAll(store, names, events);
        Assert.True(bytes <= MostBytes, $"{bytes} bytes a commit");
    }

    // On one thread to the end: a fast store completes a lone commit before the call returns.
    private long AppendAll(IEventStore store, StreamId[] names, EventMessage[] events)
    {
        var before = GC.GetAllocatedBytesForCurrentThread() - bytesBeside.Value;
        for (var i = 0; i < Commits; i++)
        {
            var appending = store.AppendAsync(names[i % Streams], ExpectedRevision.Any, events);
            Assert.True(appending.IsCompletedSuccessfully);
        }

        return (GC.GetAllocatedBytesForCurrentThread() - bytesBeside.Value - before) / Commits;
    }

    // What runs beside the commits runs here between them, and does not count. So no part of the index ever waits for the one before it
    // to be written, by which it would become larger, more often the busier the machine is.
    private Task RunBeside(Action work)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        work();
        bytesBeside.Value += GC.GetAllocatedBytesForCurrentThread() - before;
        return Task.CompletedTask;
    }

    private sealed class BytesAsTheyAre : IEventSerializer
    {
        public string Name => "bytes";

        public string NameOf(Type type) => "order-placed";

        public void Serialize(object value, IBufferWriter<byte> output) => output.Write((byte[])value);

        public object Deserialize(string typeName, ReadOnlyMemory<byte> payload) => payload;
    }
}
