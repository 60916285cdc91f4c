using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;

namespace EventStore.FileSystem.Index;

/// <summary>Loads the index that a checkpoint names.</summary>
internal static class IndexLoading
{
    /// <summary>
    /// Loads the index of the newest checkpoint. Returns an empty one if there is no checkpoint or a run is damaged; the caller then
    /// fills it from the log.
    /// </summary>
    public static StoreIndex Load(
        IDisk disk, Guid storeId, IndexSettings settings, IReadOnlyList<StoreCheckpoint> checkpoints, long generation, out bool isComplete)
    {
        if (checkpoints.Count > 0)
        {
            try
            {
                var keeper = new RunKeeper(new RunFolder(disk, storeId), settings, checkpoints[0].Indexed, generation);
                keeper.Load(checkpoints[0].Runs);
                isComplete = true;
                return new StoreIndex(keeper);
            }
            catch (IndexDamageException)
            {
                // An empty index is returned below: everything in the index can be read from the log again.
            }
        }

        isComplete = false;
        return Empty(disk, storeId, settings, generation);
    }

    /// <summary>An index of nothing, to be filled from the start of the log.</summary>
    public static StoreIndex Empty(IDisk disk, Guid storeId, IndexSettings settings, long generation) =>
        new(new RunKeeper(new RunFolder(disk, storeId), settings, LogPoint.Origin, generation));
}
