using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Log;
using EventStore.FileSystem.Recovery;
using EventStore.FileSystem.Segments;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Maintenance;

/// <summary>
/// Copies an open store into a folder that can be opened as a store: everything acknowledged before the backup began. First the claims
/// are captured, then the log is copied, then the index, and the checkpoint that ties them together comes last. Files that an earlier
/// backup copied and that have not changed are skipped. Interrupted at any point, the folder opens as what it held before, or more. A
/// folder that held no backup before is refused until one is complete.
/// </summary>
/// <remarks>
/// Compaction may have removed from older segments what newer ones record as deleted. So the newest are copied first: until the segment
/// is replaced with which the earlier backup ended, opening ignores them; afterwards every deletion is present.
/// </remarks>
internal sealed class Backup(OpenStore store, IDisk target, IProgress<FileSystemProgress>? progress, CancellationToken cancellationToken)
{
    private readonly FileCopy copy = new(target);

    public BackupReport Run()
    {
        StoreFolder.RequireDirectory(target);
        target.CreateFolder("");
        using var held = target.Lock(OpenStore.LockFileName);
        var isFirst = !target.Exists(StoreIdentityFile.FileName);
        if (isFirst) RefuseFiles();
        else RefuseForeign();
        Mark();
        foreach (var folder in (string[])[LogSegments.Folder, RunFormat.Folder]) target.CreateFolder(folder);
        var (claims, runs) = store.Upkeep.Capture();
        var (segments, end) = CaptureLog();
        foreach (var segment in segments.Reverse())
        {
            Copy(segment, segment == segments[^1], end.Position);
            progress?.Report(new FileSystemProgress(end.Position - segment.Base, end.Position));
        }

        foreach (var run in runs) copy.IfChanged(run.Path, run.Length, run.ReadRaw, isGrowing: false, cancellationToken);
        target.SyncFolder(RunFormat.Folder);
        if (isFirst) Found(segments);
        Conclude(claims with { DurableEnd = end.Position });
        return new BackupReport(new Checkpoint(end.NextCheckpoint - 1), copy.FilesCopied, copy.FilesUnchanged, copy.BytesCopied);
    }

    // The end first: every segment before it is in the list.
    private (IReadOnlyList<Segment> Segments, LogPoint End) CaptureLog()
    {
        var end = store.End;
        return ([.. store.Segments.All.Where(segment => segment.Base < end.Position)], end);
    }

    // A first backup that did not complete left its mark.
    private void RefuseFiles()
    {
        if (target.Exists(CopyMarks.Copying)) return;
        if (target.List("").Any(name => name != OpenStore.LockFileName && !name.EndsWith(".tmp", StringComparison.Ordinal))
            || target.List(LogSegments.Folder).Count > 0)
            throw new StorageException(
                $"'{target.Root}' holds files, but no store. A backup goes into an empty folder, or onto an earlier backup of the "
                + "same store. Choose another folder.");
    }

    // The first backup of a folder is a store once it has the identity, which comes after everything else. Until then opening refuses it.
    private void Found(IEnumerable<Segment> segments)
    {
        var copied = segments.Select(segment => LogSegments.PathOf(segment.Number)).ToHashSet(StringComparer.Ordinal);
        foreach (var path in target.List(LogSegments.Folder).Select(name => $"{LogSegments.Folder}/{name}"))
        {
            if (!copied.Contains(path)) target.Delete(path); // of a backup of another store that did not complete
        }

        target.SyncFolder(LogSegments.Folder);
        StoreIdentityFile.Write(target, StoreIdentityFile.Read(store.Segments.Disk));
    }

    private void RefuseForeign()
    {
        if (StoreIdentityFile.Read(target).Id != store.Segments.StoreId)
            throw new StorageException(
                $"'{target.Root}' holds another store. A backup goes into an empty folder, or onto an earlier backup of the same "
                + "store. Choose another folder.");
        if (target.List(LogSegments.Folder).Where(
            name => name.EndsWith(".seg", StringComparison.Ordinal)).Max(StringComparer.Ordinal) is { } newest
            && string.CompareOrdinal($"{LogSegments.Folder}/{newest}", LogSegments.PathOf(store.Segments.All[^1].Number)) > 0)
            throw new StorageException(
                $"'{target.Root}' holds a longer history of this store than the store itself: '{newest}' is not in the store. "
                + "Check which of the two is the right one, and back up into another folder.");
    }

    private void Mark()
    {
        target.Create(CopyMarks.Copying).Dispose();
        if (target.Exists(LiveFile.FileName)) target.Delete(LiveFile.FileName); // left by a process that had the copy open
        target.SyncFolder("");
    }

    private void Copy(Segment segment, bool isLast, long end)
    {
        var path = LogSegments.PathOf(segment.Number);
        if (isLast)
        {
            using var open = store.Segments.OpenFile(path);
            copy.IfChanged(path, end - segment.Base, open.Read, isGrowing: true, cancellationToken);
        }
        else
        {
            using var file = store.Segments.Disk.Open(path, forWriting: false);
            copy.IfChanged(path, file.Length, file.Read, isGrowing: false, cancellationToken);
        }

        target.SyncFolder(LogSegments.Folder);
    }

    private void Conclude(StoreCheckpoint claims)
    {
        CheckpointFile.ReadAll(target, store.Segments.StoreId, out var highest);
        var generation = Math.Max(highest, claims.Generation) + 1;
        CheckpointFile.Write(target, store.Segments.StoreId, claims with { Generation = generation });
        CheckpointFile.DeleteBefore(target, generation);
        CopyMarks.Remove(target);
        target.SyncFolder("");
        var named = claims.Runs.Select(run => RunFormat.PathOf(run.Id)).ToHashSet(StringComparer.Ordinal);
        foreach (
            var stray in target.List(RunFormat.Folder).Select(name => $"{RunFormat.Folder}/{name}").Where(path => !named.Contains(path)))
            target.Delete(stray);
    }
}
