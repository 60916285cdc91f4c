using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Log;
using EventStore.FileSystem.Recovery;
using EventStore.FileSystem.Segments;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Maintenance;

/// <summary>Saves what is left of a damaged store into another folder, and verifies the new store.</summary>
internal static class Repair
{
    public static async Task<RepairReport> RunAsync(
        IDisk source, IDisk target, StoreSettings settings, IProgress<FileSystemProgress>? progress, CancellationToken cancellationToken)
    {
        try
        {
            var salvage = Save(source, target, progress, cancellationToken);
            var (store, _) = StoreOpening.Open(
                target, settings, EngineContext.Default with { MayCreateStorage = false }, cancellationToken);
            await using (store.ConfigureAwait(false))
            {
                var found = new Verification(store.View, null, cancellationToken).Run();
                if (!found.IsSound)
                    throw new StorageException(
                        $"What was saved into '{target.Root}' is not sound: {found.Damages[0].Place}: "
                        + $"{found.Damages[0].Problem} Check that disk.");
                return new RepairReport(found.CommitsChecked, found.EventsChecked, salvage.LostParts, salvage.Streams.All);
            }
        }
        catch (IOException error)
        {
            throw new StorageUnavailableException(
                $"Repairing the store at '{source.Root}' into '{target.Root}' failed: {error.Message} The damaged store is untouched. "
                + "Empty the target and try again once the cause is gone.",
                error);
        }
    }

    private static Salvage Save(IDisk source, IDisk target, IProgress<FileSystemProgress>? progress, CancellationToken cancellationToken)
    {
        StoreFolder.RequireDirectory(target);
        if (target.List("").Count > 0 || target.List(LogSegments.Folder).Count > 0)
            throw new StorageException($"'{target.Root}' is not empty. A store is repaired into a new folder.");
        var (identity, problem) = FindIdentity(source);
        var segments = DamagedSegments.Find(source, identity.Id);
        if (segments.Count == 0)
            throw new StorageException(
                $"There is no log at '{source.Root}/{LogSegments.Folder}', so nothing can be saved. Restore the store from a backup.");
        target.CreateFolder("");
        target.Create(CopyMarks.Copying).Dispose(); // refused until it is complete
        target.SyncFolder("");
        target.CreateFolder(LogSegments.Folder);
        var salvage = new Salvage(source, target, identity.Id, cancellationToken);
        if (problem is not null)
            salvage.LostParts.Add(
                new LostPart($"{source.Root}/{StoreIdentityFile.FileName}", problem, 0, new Checkpoint(0), new Checkpoint(0)));
        foreach (var path in DamagedSegments.FindStrange(source, segments.Count))
            salvage.LostParts.Add(
                new LostPart(
                    $"{source.Root}/{path}", "its number is far from that of every other segment.", 0,
                    new Checkpoint(0), new Checkpoint(0)));
        for (var i = 0; i < segments.Count; i++)
        {
            salvage.Save(segments[i], i + 1 < segments.Count ? segments[i + 1] : null);
            segments[i].File?.Dispose();
            progress?.Report(new FileSystemProgress(segments[i].End, segments[^1].End));
        }

        target.SyncFolder(LogSegments.Folder);
        var claim = new StoreCheckpoint(1, 0, salvage.End, LogPoint.Origin, []); // all of it is flushed
        CheckpointFile.Write(target, identity.Id, claim);
        var hasLosses = salvage.LostParts.Any(part => part.Bytes > 0) || salvage.Streams.HasMissedDeletion;
        StoreIdentityFile.Write(
            target, identity with { Features = hasLosses ? identity.Features | StoreFeatures.HasLosses : identity.Features });
        CopyMarks.Remove(target);
        target.SyncFolder("");
        return salvage;
    }

    // Every segment knows the store's id, too.
    private static (StoreIdentity Identity, string? Problem) FindIdentity(IDisk source)
    {
        try
        {
            if (source.Exists(StoreIdentityFile.FileName)) return (StoreIdentityFile.Read(source), null);
        }
        catch (CorruptStorageException error) when (DamagedSegments.FindStoreId(source) is { } found)
        {
            return (new StoreIdentity(found, 0, StoreFeatures.None), error.Message);
        }

        return DamagedSegments.FindStoreId(source) is { } id
            ? (new StoreIdentity(id, 0, StoreFeatures.None), "the file is missing.")
            : throw new StorageException(
                $"There is no store at '{source.Root}': neither its identity nor a segment of its log can be read. "
                + "Check the directory and the store's name, or restore it from a backup.");
    }
}
