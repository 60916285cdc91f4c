using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Recovery;

/// <summary>The files of a store that this process is to write. Nothing is opened yet.</summary>
internal sealed class StoreFiles(IDisk disk, StoreSettings settings)
{
    /// <summary>The folder of the store.</summary>
    public string Root => disk.Root;

    /// <summary>Opens the store for writing.</summary>
    /// <param name="context">The clock, and whether a store may be created.</param>
    /// <param name="packingFailed">Receives the name of a segment that could not be packed, and the error.</param>
    /// <param name="closingIncomplete">Receives what kept the last checkpoint from being written.</param>
    /// <param name="cancellationToken">Ends the opening; nothing that was acknowledged is lost.</param>
    /// <exception cref="StorageException">Another process writes to the store, or it is damaged or of an unknown format.</exception>
    public OpenedStore Open(
        EngineContext context,
        Action<string, Exception> packingFailed,
        Action<Exception> closingIncomplete,
        CancellationToken cancellationToken = default)
    {
        var running = settings with
        {
            Log = settings.Log with { Time = context.Time },
            PackingFailed = packingFailed,
            ClosingIncomplete = closingIncomplete,
        };
        return StoreOpening.Open(disk, running, context, cancellationToken);
    }
}
