using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Maintenance;

/// <summary>
/// Recognizes frames that nothing refers to any more. These are commits and snapshots of deleted or purged streams, pruned or replaced
/// snapshots, and deleted or replaced documents. A dead frame stays dead. The frames that record a removal are kept, because they cost
/// little. With them, a copy or an index rebuilt from any mixture of old and compacted files has the same content.
/// </summary>
internal sealed class DeadFrames(StoreView store)
{
    public bool IsDead(in Frame frame) => frame.Kind switch
    {
        FrameKind.Commit => !store.IsLive(new CommitReader(frame, store.Names)),
        FrameKind.SnapshotSave => IsDeadSnapshot(frame),
        FrameKind.SnapshotPrune => !IsOfLivingStream(frame, out _),
        FrameKind.DocumentPut => IsDeadDocument(frame),
        _ => false,
    };

    private bool IsDeadSnapshot(in Frame frame)
    {
        if (!IsOfLivingStream(frame, out var stream)) return true;
        var reader = new BodyReader(frame);
        reader.Stream();
        var (revision, schemaVersion) = RecordCodec.ReadVersion(ref reader);
        return !IsNewest(IndexKeys.OfSnapshot(IndexKeys.OfStream(stream), revision, schemaVersion), frame);
    }

    private bool IsDeadDocument(in Frame frame)
    {
        var reader = new BodyReader(frame);
        return !IsNewest(IndexKeys.OfDocument(RecordCodec.ReadName(ref reader)), frame);
    }

    // A frame before the first commit of the current stream belongs to an earlier stream of that name.
    private bool IsOfLivingStream(in Frame frame, out StreamId stream)
    {
        var reader = new BodyReader(frame);
        stream = reader.Stream();
        var head = store.Index.FindHead(stream);
        return head.Exists && head.Start < frame.Position;
    }

    private bool IsNewest(byte[] key, in Frame frame) =>
        store.Index.State.TryFind(key, out var value) && value.Length > 0 && Varint.Read(value) == frame.Position;
}
