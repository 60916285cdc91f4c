using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Index;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Reading;

/// <summary>Finds the checkpoints of events that are about to be removed.</summary>
internal static class CheckpointReading
{
    /// <summary>The newest checkpoint that an event of a bucket ever had; 0 for none.</summary>
    public static long NewestIn(StoreView store, string bucket) => TermSearch.NewestIn(store.Index.State, bucket);

    /// <summary>The checkpoint of a revision, also where it is truncated; 0 where its commit was lost.</summary>
    public static long Find(StoreView store, StreamId stream, HeadEntry head, long revision)
    {
        if (store.Index.FindCommits(stream, head, revision, revision, 1) is not [var (_, position)]) return 0;
        var reader = store.Lookups.Take(store.IndexedEnd);
        var frame = reader.Read(position);
        var found = FrameCommits.TryFind(frame, store.Names, stream, out var commit)
            ? commit.FirstCheckpoint + revision - commit.FirstRevision : 0;
        store.Lookups.Return(reader);
        return found < store.End.NextCheckpoint ? found
            : throw store.Segments.Damaged(position, $"checkpoint {found} was found before the end of the log, which is lower.");
    }
}
