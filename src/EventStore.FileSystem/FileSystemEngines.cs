using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Engine;
using EventStore.FileSystem.Index;
using EventStore.FileSystem.Log;
using EventStore.FileSystem.Store;

namespace EventStore;

/// <summary>Makes engines of what an application chose. Opens nothing.</summary>
internal static class FileSystemEngines
{
    public static IPersistenceEngine Over(string directory, FileSystemOptions options, EngineContext context)
    {
        var isDurable = options.Durability == FileSystemDurability.Durable;
        var settings = new StoreSettings(new LogSettings(isDurable, options.SegmentSizeBytes) { InBackground = Task.Run }, IndexSettings.Default);
        var disk = new FileDisk(Path.Combine(directory, options.Name));
        return new FileSystemPersistenceEngine(disk, settings, isDurable ? Durable() : Fast(options.FlushInterval), options.FlushInterval, context);
    }

    private static EngineDurability Durable() => new(DurabilityLevel.Durable, "every batch is flushed to the medium before it is acknowledged", []);

    private static EngineDurability Fast(TimeSpan? interval) => new(
        DurabilityLevel.Fast,
        "written to the operating system before it is acknowledged, " + (interval is { } every ? $"flushed every {every.TotalMilliseconds:0} ms" : "flushed when the system pleases"),
        []);
}
