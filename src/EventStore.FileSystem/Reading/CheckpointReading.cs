using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Reading;

/// <summary>Finds the checkpoint of a stream's event.</summary>
internal static class CheckpointReading
{
    /// <summary>The checkpoint of a revision, also where it is truncated; 0 where its commit was lost.</summary>
    public static long Find(StoreView store, StreamId stream, HeadEntry head, long revision)
    {
        if (store.Index.FindCommits(stream, head, revision, revision, 1) is not [var (_, position)]) return 0;
        var reader = store.Lookups.Take(store.IndexedEnd);
        var frame = reader.Read(position);
        var found = 0L;
        if (frame.HoldsCommits)
        {
            var commits = new FrameCommits(frame, store.Names);
            if (commits.TryFind(stream, out var commit)) found = commit.FirstCheckpoint + revision - commit.FirstRevision;
        }

        store.Lookups.Return(reader);
        return found < store.End.NextCheckpoint ? found
            : throw store.Segments.Damaged(position, $"checkpoint {found} was found before the end of the log, which is lower.");
    }
}
