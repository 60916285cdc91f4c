using EventStore.FileSystem.Index;
using EventStore.FileSystem.Log;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Snapshots;

/// <summary>Saves, finds and prunes snapshots. They lie in the log; the index has those of a stream newest first.</summary>
internal sealed class SnapshotStore(OpenStore store)
{
    public void Save(SnapshotRecord snapshot) => store.Write<bool>(() =>
    {
        var head = store.Index.FindHead(snapshot.Stream);
        if (snapshot.Revision.Value > head.Revision) throw new SnapshotRefusedException(snapshot.Stream, snapshot.Revision, head.Revision);
        var position = store.Log.NextPosition;
        RecordCodec.WriteSnapshot(store.Log.Body, snapshot);
        store.Log.EndFrame(FrameKind.SnapshotSave, 0);
        return (true, () => store.Index.AddSnapshot(snapshot.Stream, snapshot.Revision.Value, snapshot.SchemaVersion, position));
    });

    public SnapshotRecord? Find(StreamId stream, Revision atMost)
    {
        var head = store.Index.FindHead(stream);
        if (!head.Exists || atMost.Value < 1) return null;
        foreach (var (_, _, position) in NewestFirst(IndexKeys.OfStream(stream), head, atMost.Value, limit: 1))
        {
            // Replaced or pruned, and compacted away, since it was looked up: looked up again.
            return store.Look(position, static frame => frame.Kind == FrameKind.SnapshotSave ? RecordCodec.ReadSnapshot(frame) : null) ?? Find(stream, atMost);
        }

        return null;
    }

    public void Prune(StreamId stream, int keep) => store.Write<bool>(() =>
    {
        var head = store.Index.FindHead(stream);
        if (!head.Exists) return (false, null);
        var pruned = NewestFirst(IndexKeys.OfStream(stream), head, long.MaxValue, int.MaxValue).Skip(keep).Select(snapshot => (snapshot.Revision, snapshot.SchemaVersion)).ToArray();
        if (pruned.Length == 0) return (false, null);
        RecordCodec.WritePruning(store.Log.Body, stream, pruned);
        store.Log.EndFrame(FrameKind.SnapshotPrune, 0);
        return (true, () => store.Index.AddPruning(stream, pruned));
    });

    /// <summary>The revision of a stream's newest snapshot; 0 when it has none.</summary>
    public long NewestRevision(byte[] headKey, HeadEntry head)
    {
        foreach (var (revision, _, _) in NewestFirst(headKey, head, long.MaxValue, limit: 1)) return revision;
        return 0;
    }

    private List<(long Revision, int SchemaVersion, long Position)> NewestFirst(byte[] headKey, HeadEntry head, long atMost, int limit)
    {
        var found = new List<(long, int, long)>();
        var prefix = IndexKeys.OfSnapshots(headKey);
        var cursor = store.Index.State.OpenCursor(prefix);
        for (var isThere = cursor.Seek(IndexKeys.OfSnapshot(headKey, atMost, int.MaxValue)); isThere && cursor.Key.StartsWith(prefix); isThere = cursor.Next())
        {
            // Those before the stream's first commit are of an earlier stream of the same name.
            if (cursor.Value.IsEmpty || Varint.Read(cursor.Value) < head.Start) continue;
            var (revision, schemaVersion) = IndexKeys.SnapshotIn(cursor.Key);
            found.Add((revision, schemaVersion, Varint.Read(cursor.Value)));
            if (found.Count == limit) break;
        }

        return found;
    }
}
