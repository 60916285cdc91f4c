using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Reading;

/// <summary>Finds the heads of streams, by name or in the order of their names.</summary>
internal static class HeadReading
{
    public static StreamHead? Find(StoreView store, StreamId stream)
    {
        var head = store.Index.FindHead(stream);
        return head.Exists ? ToHead(store, stream, IndexKeys.OfStream(stream), head) : null;
    }

    public static IReadOnlyList<StreamHead> List(StoreView store, HeadQuery query)
    {
        var found = new List<StreamHead>();
        var bucket = IndexKeys.OfBucket(query.Bucket);
        var after = query.After is { } stream ? IndexKeys.OfStream(stream) : bucket;
        var from = after.AsSpan().SequenceCompareTo(bucket) > 0 ? after : bucket;
        var cursor = store.Index.State.OpenCursor();
        for (var isThere = cursor.Seek(from); isThere && found.Count < query.Limit
            && cursor.Key.StartsWith(bucket); isThere = cursor.Next())
        {
            var head = HeadEntry.Read(cursor.Value);
            if (!head.Exists || head.Revision < query.MinEventsSinceSnapshot || cursor.Key.SequenceEqual(after)) continue;
            var name = IndexKeys.StreamOf(cursor.Key);
            if (store.Index.Removals.Holds(name.Bucket, head.Start)) continue;
            var listed = ToHead(store, name, cursor.Key.ToArray(), head);
            if (listed.EventsSinceSnapshot >= query.MinEventsSinceSnapshot) found.Add(listed);
        }

        return found;
    }

    private static StreamHead ToHead(StoreView store, StreamId stream, byte[] headKey, HeadEntry head) =>
        new(
            stream, new Revision(head.Revision), new CommitSequence(head.Sequence),
            new Revision(SnapshotReading.NewestRevision(store, headKey, head)))
        {
            FirstRevision = new Revision(head.FirstRevision),
            IsSealed = head.IsSealed,
            Incarnation = new Checkpoint(head.Incarnation),
        };
}
