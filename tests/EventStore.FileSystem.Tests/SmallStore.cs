using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Engine;
using EventStore.FileSystem.Recovery;
using EventStore.FileSystem.Segments;
using EventStore.FileSystem.Sharing;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Tests;

/// <summary>Everything that a stored event is, to be compared.</summary>
internal sealed record StoredEvent(long Checkpoint, StreamId Stream, long Revision, Guid CommitId, DateTimeOffset Stamp, string Body);

/// <summary>Opens stores in small pieces, fills them and reads them whole.</summary>
internal static class SmallStore
{
    public static StoreSettings Small(
        bool isDurable = true, bool compresses = false, long segmentBytes = 16 << 10, Func<Action, Task>? inBackground = null) =>
        new(
            new LogSettings(isDurable, segmentBytes) { InBackground = inBackground ?? Task.Run }, new Index.IndexSettings(200, 1 << 20, 4),
            CloseEntries: 8)
        {
            Packing = new PackSettings(compresses, 2048),
        };

    public static FileSystemPersistenceEngine Make(IDisk disk, StoreSettings settings) =>
        new(new StoreFiles(disk, settings), new EngineDurability(Durability.Durable, "test", []), EngineContext.Default);

    public static async Task<FileSystemPersistenceEngine> OpenAsync(IDisk disk, StoreSettings settings)
    {
        var engine = Make(disk, settings);
        await engine.InitializeAsync();
        return engine;
    }

    /// <summary>An engine that only reads.</summary>
    public static FollowingEngine MakeReader(IDisk disk, StoreSettings settings, EngineContext? context = null) =>
        new(
            new SharedFiles(disk, settings),
            FileSystemPersistenceEngine.Describe(disk.Root, new EngineDurability(Durability.Durable, "test", [])),
            context ?? EngineContext.Default);

    public static async Task<FollowingEngine> OpenReaderAsync(IDisk disk, StoreSettings settings)
    {
        var engine = MakeReader(disk, settings);
        await engine.InitializeAsync();
        return engine;
    }

    public static CommitAttempt Attempt(StreamId stream, string body, int events = 1) => new(
        stream, Guid.NewGuid(),
        [
            .. Enumerable.Range(0, events).Select(
                i =>
                    new EventRecord(
                        Guid.NewGuid(), "type", System.Text.Encoding.UTF8.GetBytes(
                            $"{body}/{i} {{\"text\":\"{new string('x', 120)}\"}}")))]);

    public static async Task FillAsync(IPersistenceEngine engine, int commits, int streams = 10, string prefix = "stream")
    {
        for (var i = 0; i < commits; i++) await engine.CommitAsync([Attempt($"{prefix}-{i % streams}", $"{prefix} {i}", 1 + (i % 3))]);
    }

    public static async Task<List<StoredEvent>> ReadAllAsync(IPersistenceEngine engine, ReadDirection direction = ReadDirection.Forward)
    {
        var found = new List<StoredEvent>();
        Checkpoint after = new Checkpoint(0), upTo = Checkpoint.Max;
        while (true)
        {
            var page = await engine.ReadAllAsync(new StoreRead(EventFilter.Everything, after, upTo, direction, new PageLimit(64, 1 << 20)));
            foreach (var recorded in page.Events.ToArray()) found.Add(ToStored(recorded));
            if (page.IsEnd) return found;
            if (direction == ReadDirection.Forward) after = page.Position;
            else upTo = new Checkpoint(page.Position.Value - 1);
        }
    }

    public static async Task<List<StoredEvent>> ReadStreamAsync(IPersistenceEngine engine, StreamId stream)
    {
        var page = await engine.ReadStreamAsync(
            new StreamRead(stream, new Revision(1), Revision.Max, ReadDirection.Forward, new PageLimit(100_000, long.MaxValue)));
        Assert.True(page.IsEnd);
        return [.. page.Events.ToArray().Select(ToStored)];
    }

    private static StoredEvent ToStored(RecordedEvent recorded) => new(
        recorded.Checkpoint.Value, recorded.Commit.Stream, recorded.Revision.Value, recorded.Commit.CommitId, recorded.Commit.Stamp,
        System.Text.Encoding.UTF8.GetString(recorded.Record.Body.Span));

    /// <summary>Checks that a store reads the same forward, backward and stream by stream, and that verification finds nothing.</summary>
    public static async Task<List<StoredEvent>> ReadConsistentAsync(IPersistenceEngine engine)
    {
        var all = await ReadAllAsync(engine);
        var backward = await ReadAllAsync(engine, ReadDirection.Backward);
        backward.Reverse();
        Assert.Equal(all, backward);
        foreach (var stream in all.GroupBy(stored => stored.Stream))
            Assert.Equal(stream.ToList(), await ReadStreamAsync(engine, stream.Key));
        var report = await engine.VerifyAsync();
        Assert.True(report.IsSound, string.Join("\n", report.Damages));
        return all;
    }
}
