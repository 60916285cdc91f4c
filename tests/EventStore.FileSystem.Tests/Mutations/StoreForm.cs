using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Engine;
using EventStore.FileSystem.Index;
using EventStore.FileSystem.Maintenance;
using EventStore.FileSystem.Segments;
using EventStore.FileSystem.Store;
using EventStore.FileSystem.Tests.Simulation;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStore.FileSystem.Tests.Mutations;

/// <summary>A small store in one of the forms that a store can have on the disk, and the names in it. The same in every process.</summary>
/// <param name="Name">Its form.</param>
/// <param name="Disk">Its files; a case damages a copy.</param>
/// <param name="Image">Its log, frame by frame.</param>
/// <param name="Streams">Its streams, and one that it does not have.</param>
/// <param name="CommitIds">Some of its commit ids.</param>
internal sealed record StoreForm(
    string Name, MemoryDisk Disk, LogImage Image, IReadOnlyList<StreamId> Streams, IReadOnlyList<(StreamId Stream, Guid Id)> CommitIds)
{
    private static readonly StoreSettings Plain = new(new LogSettings(true, 5600), new IndexSettings(8, 1 << 20, 3), 3);

    /// <summary>How all of them are opened. Nothing runs in the background, so that a case stays on its thread.</summary>
    public static StoreSettings SettingsOf(bool compresses) => Plain with
    {
        Packing = new PackSettings(compresses, 1024),
        NewStoreId = () => new Guid(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),
    };

    public static EngineContext Context { get; } = new(new StandingClock(), NullLoggerFactory.Instance);

    public static async Task<IReadOnlyList<StoreForm>> MakeAllAsync()
    {
        var closed = await FillAsync("closed", isClosed: true);
        var killed = await FillAsync("killed", isClosed: false);
        var packed = await CompactedAsync("packed", compresses: true);
        var bare = await CompactedAsync("without zeros", compresses: false);
        var copied = killed.Copy();
        copied.Write("copied", []);
        var repaired = new MemoryDisk();
        var broken = closed.Copy();
        broken["log/00000002.seg"].Write(new byte[700], 4500);
        await Repair.RunAsync(broken, repaired, SettingsOf(false), null, default);
        return
        [
            await ReadAsync("closed", closed), await ReadAsync("killed", killed), await ReadAsync("packed", packed),
            await ReadAsync("without zeros", bare), await ReadAsync("copied", copied), await ReadAsync("repaired", repaired),
        ];
    }

    private static async Task<MemoryDisk> FillAsync(string name, bool isClosed)
    {
        var random = new Random(name.Length);
        var disk = new MemoryDisk();
        var engine = Open(disk, compresses: false);
        await engine.InitializeAsync();
        await WorkAsync(engine, random, 45);
        if (isClosed) await engine.DisposeAsync();
        return disk;
    }

    private static async Task<MemoryDisk> CompactedAsync(string name, bool compresses)
    {
        var random = new Random(name.Length);
        var disk = new MemoryDisk();
        await using var engine = Open(disk, compresses);
        await engine.InitializeAsync();
        await WorkAsync(engine, random, 45);
        await CompactionTests.CompactAsync(engine);
        for (var i = 0; i < 3; i++) await Operations.Commit(random).DoAsync(engine);
        return disk;
    }

    private static async Task WorkAsync(FileSystemPersistenceEngine engine, Random random, int operations)
    {
        for (var i = 0; i < operations; i++)
        {
            // A purge early on, so that most of what is stored can be read.
            var operation = i == 6 ? Operations.Purge(random) : (i % 5) switch
            {
                1 => Operations.SaveSnapshot(random),
                2 => Operations.PutDocument(random),
                3 => Operations.Unit(random),
                _ => Operations.Commit(random),
            };
            await operation.DoAsync(engine);
        }

        foreach (var rest in (Func<Random, Operation>[])
            [
                Operations.DeleteStream, Operations.DeleteDocument, Operations.PruneSnapshots, Operations.Truncate, Operations.Truncate,
                Operations.Seal, Operations.Skip,
            ])
            await rest(random).DoAsync(engine);
        for (var i = 0; i < 5; i++) await Operations.Commit(random).DoAsync(engine);
    }

    private static FileSystemPersistenceEngine Open(MemoryDisk disk, bool compresses) =>
        new(new Recovery.StoreFiles(disk, SettingsOf(compresses)), new EngineDurability(Durability.Durable, "memory", []), Context);

    private static async Task<StoreForm> ReadAsync(string name, MemoryDisk disk)
    {
        await using var engine = Open(disk.Copy(), compresses: false);
        await engine.InitializeAsync();
        var stored = await SmallStore.ReadAllAsync(engine);
        Assert.True(stored.Count > 20, $"the store '{name}' has only {stored.Count} events");
        var ids = stored.Select(one => (one.Stream, one.CommitId)).Distinct().ToArray();
        return new StoreForm(
            name, disk, LogImage.Read(disk), [.. stored.Select(one => one.Stream).Distinct().Order(), "unknown"],
            [ids[0], ids[^1], ids[ids.Length / 2]]);
    }

    private sealed class StandingClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public override long GetTimestamp() => 0;
    }
}
