using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Reading;

/// <summary>Finds the commit that a stream already has under a commit id.</summary>
internal static class DuplicateReading
{
    public static CommitRecord? Find(StoreView store, StreamId stream, Guid commitId) =>
        store.Index.FindHead(stream) is { Exists: true } head ? Find(store, stream, commitId, new PlannedHead(head)) : null;

    public static CommitRecord? Find(StoreView store, StreamId stream, Guid commitId, PlannedHead head)
    {
        foreach (var position in store.Index.FindCommitIds(commitId))
        {
            if (position >= head.Entry.Start && Read(store, position, stream, commitId, head.Entry.Start) is { } original) return original;
        }

        return null;
    }

    // Null for a commit of another stream, or of an earlier one of the same name.
    private static CommitRecord? Read(StoreView store, long position, StreamId stream, Guid commitId, long streamStart)
    {
        var reader = store.Lookups.Take(store.IndexedEnd);
        var frame = reader.Read(position);
        var isSame = FrameCommits.TryFind(frame, store.Names, stream, out var commit)
            && commit.StreamStart == streamStart && commit.CommitId == commitId;
        var found = isSame ? commit.ToRecord(new PageBytes()) : null;
        store.Lookups.Return(reader);
        return found;
    }
}
