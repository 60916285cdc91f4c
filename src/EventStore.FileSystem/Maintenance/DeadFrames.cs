using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Segments;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Maintenance;

/// <summary>
/// Recognizes frames that nothing refers to any more, and commits that lost events. These are commits and snapshots of deleted or purged
/// streams, truncated events, pruned, replaced or useless snapshots, and deleted or replaced documents. A dead frame stays dead. The frames
/// that record a removal are kept, because they cost little. With them, a copy or an index rebuilt from any mixture of old and compacted
/// files has the same content.
/// </summary>
internal sealed class DeadFrames(StoreView store)
{
    // Used for one frame after the other.
    private readonly List<int> removed = [];

    /// <param name="frame">The frame.</param>
    /// <param name="left">Receives what is left of commits that lost events; null to leave that out.</param>
    public FrameFate FateOf(in Frame frame, LogBatch? left)
    {
        if (!frame.HoldsCommits) return IsDead(frame) ? FrameFate.Removed : FrameFate.Kept;
        var (isLeft, isChanged) = (false, false);
        removed.Clear();
        for (var commits = new FrameCommits(frame, store.Names); commits.TryNext(out var commit, out _);)
        {
            var cut = commit.EventCount == 0 ? -1 : RemovedOf(commit);
            removed.Add(cut);
            isLeft |= cut >= 0;
            isChanged |= commit.EventCount > 0 && cut != commit.Removed;
        }

        if (!isLeft) return FrameFate.Removed;
        if (!isChanged) return FrameFate.Kept;
        if (left is not null) ShortenedCodec.Write(left, frame, store.Names, removed);
        return FrameFate.Shortened;
    }

    // How many events of a commit are removed; negative if its stream is.
    private int RemovedOf(in CommitReader commit)
    {
        if (store.IsBehindRemovals(commit.Position)) return commit.Removed;
        var head = store.Index.FindHead(commit.Stream);
        return head.Start == commit.StreamStart ? StoreView.RemovedOf(commit, head) : -1;
    }

    private bool IsDead(in Frame frame) => frame.Kind switch
    {
        FrameKind.SnapshotSave => IsDeadSnapshot(frame),
        FrameKind.SnapshotPrune => !IsOfLivingStream(frame, out _, out _),
        FrameKind.DocumentPut => IsDeadDocument(frame),
        _ => false,
    };

    private bool IsDeadSnapshot(in Frame frame)
    {
        if (!IsOfLivingStream(frame, out var stream, out var head)) return true;
        var reader = new BodyReader(frame);
        reader.Stream();
        var (revision, schemaVersion) = RecordCodec.ReadVersion(ref reader);
        return revision < head.FirstRevision - 1
            || !IsNewest(IndexKeys.OfSnapshot(IndexKeys.OfStream(stream), revision, schemaVersion), frame);
    }

    private bool IsDeadDocument(in Frame frame)
    {
        var reader = new BodyReader(frame);
        return !IsNewest(IndexKeys.OfDocument(RecordCodec.ReadName(ref reader)), frame);
    }

    // A frame before the first commit of the current stream belongs to an earlier stream of that name.
    private bool IsOfLivingStream(in Frame frame, out StreamId stream, out HeadEntry head)
    {
        var reader = new BodyReader(frame);
        stream = reader.Stream();
        head = store.Index.FindHead(stream);
        return head.Exists && head.Start < frame.Position;
    }

    private bool IsNewest(byte[] key, in Frame frame) =>
        store.Index.State.TryFind(key, out var value) && value.Length > 0 && Varint.Read(value) == frame.Position;
}
