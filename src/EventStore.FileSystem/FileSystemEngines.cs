using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Engine;
using EventStore.FileSystem.Index;
using EventStore.FileSystem.Log;
using EventStore.FileSystem.Store;

namespace EventStore;

/// <summary>Makes engines of what an application chose. Opens nothing.</summary>
internal static class FileSystemEngines
{
    public static FileSystemPersistenceEngine Over(string directory, FileSystemOptions options, EngineContext context)
    {
        var disk = new FileDisk(Path.Combine(directory, options.Name));
        var durability = options.Durability == FileSystemDurability.Durable ? Durable() : Fast(options.FlushInterval);
        return new FileSystemPersistenceEngine(disk, SettingsOf(options), durability, options.FlushInterval, context);
    }

    public static StoreSettings SettingsOf(FileSystemOptions options) =>
        new(new LogSettings(options.Durability == FileSystemDurability.Durable, options.SegmentSizeBytes) { InBackground = Task.Run }, IndexSettings.Default)
        {
            Packing = new PackSettings(options.Compression == FileSystemCompression.Brotli),
        };

    private static EngineDurability Durable() => new(DurabilityLevel.Durable, "every batch is flushed to the medium before it is acknowledged", []);

    private static EngineDurability Fast(TimeSpan? interval) => new(
        DurabilityLevel.Fast,
        "written to the operating system before it is acknowledged, " + (interval is { } every ? $"flushed every {every.TotalMilliseconds:0} ms" : "flushed when the system pleases"),
        []);
}
