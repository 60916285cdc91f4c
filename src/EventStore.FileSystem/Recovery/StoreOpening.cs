using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Index;
using EventStore.FileSystem.Log;
using EventStore.FileSystem.Segments;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Recovery;

/// <summary>
/// Opens a store: lock, identity, checkpoint, index, tail of the log. What it costs depends on what was written since the last checkpoint,
/// not on the size of the store. Only a deleted index is rebuilt from the whole log.
/// </summary>
internal static class StoreOpening
{
    /// <exception cref="StorageException">Another process writes to the store, or it is damaged or of an unknown format.</exception>
    public static OpenedStore Open(IDisk disk, StoreSettings settings, EngineContext context, CancellationToken cancellationToken)
    {
        try
        {
            if (!StoreFolder.HasStore(disk) && !context.MayCreateStorage)
                throw new StorageNotFoundException(
                    $"There is no store at '{disk.Root}', and this configuration does not create one. "
                    + "Check the directory and the store's name, or call InitializeStorageEngine() to create it.");
            disk.CreateFolder("");
            var writerLock = disk.Lock(OpenStore.LockFileName);
            try
            {
                return Open(disk, settings, new Opening(writerLock, context.Time, cancellationToken));
            }
            catch
            {
                writerLock.Dispose();
                throw;
            }
        }
        catch (DiskLockedException error)
        {
            throw new StorageException(
                $"The store at '{disk.Root}' is open for writing by {error.Owner}. A store has one writer at a time: "
                + "close the other one, or give this one its own directory or name.",
                error);
        }
        catch (IOException error)
        {
            var advice = error is DiskShortageException shortage ? shortage.Advice : "open it again once the cause is gone";
            var reading = disk.Exists(StoreIdentityFile.FileName)
                ? " A process that only reads needs no permission to write, and no space: see OpenReadOnly()."
                : "";
            throw new StorageUnavailableException(
                $"The store at '{disk.Root}' cannot be opened for writing: {error.Message} No stored data was changed; {advice}.{reading}",
                error);
        }
        catch (BatchOutcomeUnknownException error)
        {
            throw new StorageUnavailableException($"The store at '{disk.Root}' cannot be opened: {error.Message}", error);
        }
    }

    private static OpenedStore Open(IDisk disk, StoreSettings settings, in Opening opening)
    {
        foreach (var leftover in disk.List("").Where(name => name.EndsWith(".tmp", StringComparison.Ordinal))) disk.Delete(leftover);
        disk.CreateFolder(LogSegments.Folder);
        disk.CreateFolder(RunFormat.Folder);
        disk.SyncFolder("");
        var identity = StoreIdentityFile.ReadOrCreate(disk, settings.NewStoreId, opening.Time);
        var storeId = identity.Id;
        var identityFile = disk.OpenLocked(StoreIdentityFile.FileName);
        var segments = new LogSegments(disk, storeId)
        {
            HasLosses = identity.Features.HasFlag(StoreFeatures.HasLosses),
            Identity = identityFile,
        };
        try
        {
            var checkpoints = CheckpointFile.ReadAll(disk, storeId, out var generation);
            var recovery = new LogRecovery(disk, segments, checkpoints) { Cancellation = opening.Cancellation };
            recovery.FindSegments();
            var index = IndexLoading.Load(disk, storeId, settings.Index, checkpoints, generation, out var isComplete);
            var names = new NameCache();
            var loaded = index.Keeper.Indexed;
            var end = recovery.ScanTail(loaded, frame => index.ApplyAndFreeze(frame, names), out var endsSealed);
            if (index.Keeper.Damage is not null)
            {
                (index, isComplete) = (IndexLoading.Empty(disk, storeId, settings.Index, generation), false);
                end = recovery.ScanTail(index.Keeper.Indexed, frame => index.ApplyAndFreeze(frame, names), out endsSealed);
            }

            var log = recovery.OpenForWriting(end, endsSealed, settings.Log);
            if (index.Keeper.Fault is { } fault)
                throw new StorageException($"The index of the store at '{disk.Root}' could not be written: {fault.Message}", fault);
            var upkeep = new IndexUpkeep(index, log, settings.Log);
            if (!isComplete || !recovery.WasClean || index.Keeper.Indexed != loaded) WriteCheckpoint(upkeep);
            index.Keeper.RemoveStrays();
            return new OpenedStore(new OpenStore(opening.WriterLock, settings, log, upkeep), recovery.Report);
        }
        catch
        {
            segments.Dispose();
            identityFile.Dispose();
            throw;
        }
    }

    private static void WriteCheckpoint(IndexUpkeep upkeep)
    {
        try
        {
            upkeep.WriteCheckpoint();
        }
        catch (DiskShortageException)
        {
            // The next opening reads more of the log.
        }
    }
}

/// <summary>An opening that is under way.</summary>
internal readonly record struct Opening(IDisposable WriterLock, TimeProvider Time, CancellationToken Cancellation);

/// <summary>A store that was opened for writing.</summary>
/// <param name="Store">The store.</param>
/// <param name="Recovery">What opening did to the end of the log.</param>
internal sealed record OpenedStore(OpenStore Store, RecoveryReport Recovery);
