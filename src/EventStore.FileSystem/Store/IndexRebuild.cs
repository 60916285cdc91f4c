using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Index;
using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Store;

/// <summary>Builds an index from the whole log.</summary>
internal static class IndexRebuild
{
    /// <exception cref="IndexDamageException">What was just written is damaged.</exception>
    /// <exception cref="CorruptStorageException">The log is damaged.</exception>
    public static RunKeeper Run(StoreView view, LogPoint end, IndexSettings settings)
    {
        var segments = view.Segments;
        var rebuilt = new StoreIndex(new RunKeeper(view.Index.Keeper.Folder, settings, LogPoint.Origin, generation: 0));
        var scanner = new LogScanner(segments, LogPoint.Origin.Position, LogPoint.Origin.Chain);
        while (scanner.TryNext(out var frame, end.Position)) rebuilt.ApplyAndFreeze(frame, view.Names);
        if (scanner.Position < end.Position && segments.Of(scanner.Position).FirstFrame != end.Position)
            throw segments.Damaged(scanner.Position, "a stored frame is not whole.");
        if (rebuilt.Keeper.Damage is { } damage) throw damage;
        if (rebuilt.Keeper.Fault is { } fault)
            throw new StorageException($"The index of the store at '{segments.Disk.Root}' could not be rebuilt: {fault.Message}", fault);
        return rebuilt.Keeper;
    }
}
