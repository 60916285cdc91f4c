using System.Collections.Concurrent;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Engine;
using EventStore.FileSystem.Recovery;
using EventStore.TestSupport;
using Microsoft.Extensions.Logging;

namespace EventStore.FileSystem.Tests;

/// <summary>Closing a store whose disk takes nothing more.</summary>
public sealed class ClosingTests : IDisposable
{
    private readonly TestDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Theory, InlineData(true), InlineData(false)]
    public async Task A_disk_that_is_full_when_the_store_is_closed_is_logged_and_nothing_is_lost(bool isWrittenInFull)
    {
        var root = Path.Combine(directory.Path, "events");

        // Full for everything, or only for what is new, as where the log has space of its own.
        var isFull = false;
        var disk = new FailingDisk(new FileDisk(root))
        {
            Fails = path => isFull && (isWrittenInFull || !path.EndsWith(".seg", StringComparison.Ordinal)),
        };
        using var log = new LogLines();
        var engine = new FileSystemPersistenceEngine(
            new StoreFiles(disk, SmallStore.Small()),
            new EngineDurability(Durability.Durable, "test", []),
            EngineContext.Default with { Loggers = log });
        await engine.InitializeAsync();
        await SmallStore.FillAsync(engine, 40);
        var stored = await SmallStore.ReadAllAsync(engine);

        isFull = true;
        await engine.DisposeAsync();
        Assert.Contains(log.Written, line => line.Contains("closed without its last checkpoint", StringComparison.Ordinal));

        await using var again = await SmallStore.OpenAsync(new FileDisk(root), SmallStore.Small());
        Assert.Equal(stored, await SmallStore.ReadAllAsync(again));
        await SmallStore.FillAsync(again, 1);
    }
}
