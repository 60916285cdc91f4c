using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Engine;
using EventStore.FileSystem.Index;
using EventStore.FileSystem.Recovery;
using EventStore.FileSystem.Segments;
using EventStore.FileSystem.Sharing;
using EventStore.FileSystem.Store;

namespace EventStore;

/// <summary>Creates engines from the application's choices. Opens nothing.</summary>
internal static class FileSystemEngines
{
    // A write call is negligible next to a flush, but a good part of a commit that is not flushed.
    private static readonly TimeSpan FastLiveDelay = TimeSpan.FromMilliseconds(5);

    /// <summary>The engine that writes, or where the context says so, only reads.</summary>
    public static IPersistenceEngine Choose(string directory, FileSystemOptions options, EngineContext context)
    {
        if (context.IsReadOnly) return Following(directory, options, context);
        return Over(directory, options, context);
    }

    /// <summary>The engine that only reads.</summary>
    public static FollowingEngine Following(string directory, FileSystemOptions options, EngineContext context)
    {
        var disk = DiskOf(directory, options);
        return new FollowingEngine(
            new SharedFiles(disk, SettingsOf(options)), FileSystemPersistenceEngine.Describe(disk.Root, DurabilityOf(options)), context);
    }

    public static FileSystemPersistenceEngine Over(string directory, FileSystemOptions options, EngineContext context) =>
        new(new StoreFiles(DiskOf(directory, options), SettingsOf(options)), DurabilityOf(options), context);

    public static StoreSettings SettingsOf(FileSystemOptions options)
    {
        var isDurable = options.Durability == Durability.Durable;
        var log = new LogSettings(isDurable, options.SegmentSizeBytes)
        {
            InBackground = BackgroundWork.Start,
            LiveDelay = isDurable ? null : FastLiveDelay,
            FlushInterval = options.FlushInterval,
        };
        return new(log, IndexSettings.Default) { Packing = new PackSettings(options.Compression == FileSystemCompression.Brotli) };
    }

    public static FileDisk DiskOf(string directory, FileSystemOptions options) =>
        new(Path.Combine(directory, options.Name), PermissionsOf(options));

    public static UnixFileMode PermissionsOf(FileSystemOptions options) => options.Access switch
    {
        FileSystemAccess.GroupWrites => FileDisk.OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.GroupWrite,
        FileSystemAccess.GroupReads => FileDisk.OwnerOnly | UnixFileMode.GroupRead,
        _ => FileDisk.OwnerOnly,
    };

    private static EngineDurability DurabilityOf(FileSystemOptions options) =>
        options.Durability == Durability.Durable ? Durable() : Fast(options.FlushInterval);

    private static EngineDurability Durable() =>
        new(Durability.Durable, "every batch is flushed to the medium before it is acknowledged", []);

    private static EngineDurability Fast(TimeSpan? interval) => new(
        Durability.Fast,
        "written to the operating system before it is acknowledged, "
            + (interval is { } every ? $"flushed every {every.TotalMilliseconds:0} ms" : "flushed when the operating system decides"),
        []);
}
