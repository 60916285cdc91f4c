using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Segments;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Sharing;

/// <summary>The files of a store that another process may write. Nothing is opened yet.</summary>
internal sealed class SharedFiles(IDisk disk, StoreSettings settings)
{
    /// <summary>Opens the store for reading.</summary>
    /// <exception cref="StorageNotFoundException">There is no store, or it is still being created.</exception>
    /// <exception cref="StorageException">The store is damaged or of an unknown format.</exception>
    public FollowedStore Open(TimeProvider time, CancellationToken cancellationToken = default) =>
        FollowedStore.Open(disk, settings.Index, time, cancellationToken);

    /// <summary>Calls back when the writer may have published more; null where the system does not report changes of files.</summary>
    public IDisposable? Watch(Action changed) => disk.Watch(LiveFile.FileName, changed);
}
