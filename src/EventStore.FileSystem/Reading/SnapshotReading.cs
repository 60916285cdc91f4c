using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Index;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Reading;

/// <summary>Finds snapshots. They are in the log; the index lists those of a stream newest first.</summary>
internal static class SnapshotReading
{
    public static SnapshotRecord? Find(StoreView store, StreamId stream, Revision atMost)
    {
        for (var missed = 0L; ;)
        {
            var head = store.Index.FindHead(stream);
            if (!head.Exists || atMost.Value < 1
                || NewestFirst(store, IndexKeys.OfStream(stream), head, atMost.Value, limit: 1) is not [var (revision, schema, position)])
                return null;
            if (store.Look(position, TryRead) is { } found
                && found.Stream == stream && found.Revision.Value == revision && found.SchemaVersion == schema)
                return found with { Incarnation = new Checkpoint(head.Incarnation) };

            // It was replaced or pruned, and removed by compaction, since it was looked up: the index has another one now.
            if (position == missed) throw new IndexDamageException(RunFormat.Folder, "a snapshot is not where the index has it.");
            missed = position;
        }
    }

    private static SnapshotRecord? TryRead(Frame frame) =>
        frame.Kind == FrameKind.SnapshotSave ? RecordCodec.ReadSnapshot(frame) : null;

    /// <summary>The revision of a stream's newest snapshot; 0 when it has none.</summary>
    public static long NewestRevision(StoreView store, byte[] headKey, HeadEntry head) =>
        NewestFirst(store, headKey, head, long.MaxValue, limit: 1) is [var (revision, _, _)] ? revision : 0;

    /// <summary>The snapshots of a stream but for the newest ones, newest first.</summary>
    /// <param name="store">The store.</param>
    /// <param name="stream">The stream; a missing one has none.</param>
    /// <param name="keep">How many of the newest are left out.</param>
    public static IReadOnlyList<(long Revision, int SchemaVersion)> ListOlder(StoreView store, StreamId stream, int keep)
    {
        var head = store.Index.FindHead(stream);
        if (!head.Exists) return [];
        var all = NewestFirst(store, IndexKeys.OfStream(stream), head, long.MaxValue, int.MaxValue);
        return [.. all.Skip(keep).Select(snapshot => (snapshot.Revision, snapshot.SchemaVersion))];
    }

    private static List<(long Revision, int SchemaVersion, long Position)> NewestFirst(
        StoreView store, byte[] headKey, HeadEntry head, long atMost, int limit)
    {
        var found = new List<(long, int, long)>();
        var prefix = IndexKeys.OfSnapshots(headKey);
        var cursor = store.Index.State.OpenCursor(prefix);
        for (var isThere = cursor.Seek(IndexKeys.OfSnapshot(headKey, atMost, int.MaxValue)); isThere
            && cursor.Key.StartsWith(prefix); isThere = cursor.Next())
        {
            // Those before the stream's first commit are of an earlier stream of the same name.
            if (cursor.Value.IsEmpty || Varint.Read(cursor.Value) < head.Start) continue;
            var (revision, schemaVersion) = IndexKeys.SnapshotIn(cursor.Key);
            if (revision < head.FirstRevision - 1) break; // what follows it is truncated, and it can no longer be used
            found.Add((revision, schemaVersion, Varint.Read(cursor.Value)));
            if (found.Count == limit) break;
        }

        return found;
    }
}
