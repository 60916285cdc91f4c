using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Reading;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Engine;

/// <summary>Saves and prunes snapshots.</summary>
internal sealed class SnapshotStore(OpenStore store)
{
    public void Save(SnapshotRecord snapshot) => store.Write<bool>(() =>
    {
        var head = store.Index.FindHead(snapshot.Stream);
        if (snapshot.Revision.Value > head.Revision) throw new SnapshotRefusedException(snapshot.Stream, snapshot.Revision, new Revision(head.Revision));
        var position = store.Log.NextPosition;
        RecordCodec.WriteSnapshot(store.Log.Body, snapshot);
        store.Log.EndFrame(FrameKind.SnapshotSave, 0);
        return (true, () => store.Index.AddSnapshot(snapshot.Stream, snapshot.Revision.Value, snapshot.SchemaVersion, position));
    });

    public void Prune(StreamId stream, int keep) => store.Write<bool>(() =>
    {
        var head = store.Index.FindHead(stream);
        if (!head.Exists) return (false, null);
        var pruned = SnapshotReading.NewestFirst(store.View, IndexKeys.OfStream(stream), head, long.MaxValue, int.MaxValue).Skip(keep).Select(snapshot => (snapshot.Revision, snapshot.SchemaVersion)).ToArray();
        if (pruned.Length == 0) return (false, null);
        RecordCodec.WritePruning(store.Log.Body, stream, pruned);
        store.Log.EndFrame(FrameKind.SnapshotPrune, 0);
        return (true, () => store.Index.AddPruning(stream, pruned));
    });
}
