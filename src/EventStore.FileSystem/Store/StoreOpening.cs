using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Index;
using EventStore.FileSystem.Log;

namespace EventStore.FileSystem.Store;

/// <summary>
/// Opens a store: lock, identity, checkpoint, index, tail of the log. What it costs depends on what was written since the last checkpoint,
/// never on the size of the store, unless the index was deleted and is built anew.
/// </summary>
internal static class StoreOpening
{
    /// <exception cref="StorageException">Another process writes to the store, or what was found is damaged or unknown.</exception>
    public static OpenStore Open(IDisk disk, StoreSettings settings, TimeProvider time, bool mayCreate)
    {
        try
        {
            if (!mayCreate && !disk.Exists(StoreIdentity.FileName))
                throw new StorageNotFoundException($"There is no store at '{disk.Root}', and none may be made. Check the directory and the store's name, or let it be made by InitializeStorageEngine().");
            disk.CreateFolder("");
            var writerLock = disk.Lock(OpenStore.LockFileName);
            try
            {
                return Open(disk, writerLock, settings, time);
            }
            catch
            {
                writerLock.Dispose();
                throw;
            }
        }
        catch (DiskLockedException error)
        {
            throw new StorageException($"The store at '{disk.Root}' is open for writing by {error.Owner}. A store has one writer at a time: close the other one, or give this one a directory or a name of its own.", error);
        }
        catch (IOException error)
        {
            throw new StorageUnavailableException($"The store at '{disk.Root}' cannot be opened: {error.Message} Nothing was changed that matters; open it again once the cause is gone.", error);
        }
        catch (BatchOutcomeUnknownException error)
        {
            throw new StorageUnavailableException($"The store at '{disk.Root}' cannot be opened: {error.Message}", error);
        }
    }

    /// <summary>Indexes a frame as it is found in the log, and has full parts written on the way.</summary>
    public static void Apply(StoreIndex index, in Frame frame, NameCache names)
    {
        index.Apply(frame, names);
        if (!index.Keeper.IsFreezeDue(frame.End)) return;
        index.Keeper.Freeze(new LogPoint(frame.End, frame.Chain, frame.Checkpoint + frame.Count, index.NewestStamp));
    }

    private static OpenStore Open(IDisk disk, IDisposable writerLock, StoreSettings settings, TimeProvider time)
    {
        foreach (var leftover in disk.List("").Where(name => name.EndsWith(".tmp", StringComparison.Ordinal))) disk.Delete(leftover);
        disk.CreateFolder(Segments.Folder);
        disk.CreateFolder(RunFormat.Folder);
        disk.SyncFolder("");
        var identity = StoreIdentity.ReadOrCreate(disk, settings.NewStoreId, time);
        var storeId = identity.Id;
        var segments = new Segments(disk, storeId) { HasLosses = identity.Features.HasFlag(StoreFeatures.HasLosses) };
        try
        {
            var checkpoints = CheckpointFile.ReadAll(disk, storeId, out var generation);
            var recovery = new LogRecovery(disk, segments, checkpoints);
            recovery.FindSegments();
            var index = LoadIndex(disk, storeId, settings.Index, checkpoints, generation, out var isComplete);
            var names = new NameCache();
            var loaded = index.Keeper.Indexed;
            var end = recovery.ScanTail(loaded, frame => Apply(index, frame, names), out var endsSealed);
            if (index.Keeper.Damage is not null)
            {
                (index, isComplete) = (Empty(disk, storeId, settings.Index, generation), false);
                end = recovery.ScanTail(index.Keeper.Indexed, frame => Apply(index, frame, names), out endsSealed);
            }

            var log = recovery.OpenForWriting(end, endsSealed, settings.Log);
            if (index.Keeper.Fault is { } fault) throw new StorageException($"The index of the store at '{disk.Root}' could not be written: {fault.Message}", fault);
            index.Keeper.OpenFor(log, settings.Log);
            if (!isComplete || !recovery.WasClean || index.Keeper.Indexed != loaded) index.Keeper.WriteCheckpoint();
            index.Keeper.RemoveStrays();
            return new OpenStore(disk, writerLock, settings, segments, log, index, recovery.Report);
        }
        catch
        {
            segments.Dispose();
            throw;
        }
    }

    /// <summary>The index as the newest checkpoint has it; without one, or when a run is not what it should be, an empty one that the scan fills.</summary>
    public static StoreIndex LoadIndex(
        IDisk disk, Guid storeId, IndexSettings settings, IReadOnlyList<StoreCheckpoint> checkpoints, long generation, out bool isComplete)
    {
        if (checkpoints.Count > 0)
        {
            try
            {
                var keeper = new RunKeeper(disk, storeId, settings, checkpoints[0].Indexed, generation);
                keeper.Load(checkpoints[0].Runs);
                isComplete = true;
                return new StoreIndex(keeper);
            }
            catch (IndexDamageException)
            {
                // Built anew below: the index is nothing but a reading of the log.
            }
        }

        isComplete = false;
        return Empty(disk, storeId, settings, generation);
    }

    private static StoreIndex Empty(IDisk disk, Guid storeId, IndexSettings settings, long generation) => new(new RunKeeper(disk, storeId, settings, StoreView.Origin, generation));
}
