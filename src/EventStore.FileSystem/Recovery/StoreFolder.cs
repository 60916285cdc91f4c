using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Recovery;

/// <summary>Refuses a folder that cannot be a store's, before anything is opened or changed.</summary>
internal static class StoreFolder
{
    /// <summary>Whether a store is in a folder.</summary>
    /// <exception cref="StorageException">
    /// A file or device stands in its place; or a backup or a repair into the folder began there and was not completed.
    /// </exception>
    public static bool HasStore(IDisk disk)
    {
        RequireDirectory(disk);
        if (disk.Exists(StoreIdentityFile.FileName)) return true;
        if (!disk.Exists(CopyMarks.Copying)) return false;
        throw new StorageException(
            $"'{disk.Root}' holds the beginning of a backup or of a repair, which did not complete, so it is not a store. Run the backup "
            + "into it again; or delete it, and use another backup.");
    }

    /// <exception cref="StorageException">A file or device stands in its place.</exception>
    public static void RequireDirectory(IDisk disk)
    {
        if (disk.Obstacle is { } obstacle)
            throw new StorageException(
                $"There can be no store at '{disk.Root}': {obstacle} Nothing was changed. Name a directory, which may be missing, or "
                + "remove what is in its place.");
    }
}
