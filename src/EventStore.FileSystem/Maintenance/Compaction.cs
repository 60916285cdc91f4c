using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Segments;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Maintenance;

/// <summary>
/// Removes dead frames, segment by segment, and compresses segments that are not compressed yet where the options ask for it. Runs
/// concurrently with readers and the writer, which wait only while the newest segment is sealed. May end at any point: every segment is
/// old or new, and both have the same content.
/// </summary>
internal sealed class Compaction(OpenStore store, IProgress<FileSystemProgress>? progress, CancellationToken cancellationToken)
{
    // Documents are replaced often. For them alone a segment is rewritten only when at least this part of it is dead.
    private const int WorthwhilePart = 8;
    private readonly DeadFrames dead = new(store.View);
    private long removed;

    public CompactionReport Run()
    {
        var (rewritten, before, after) = (0, 0L, 0L);
        if (HoldsEnoughDead(store.Segments.All[^1])) store.Writer.SealActive();
        var sealedOnes = store.Segments.Sealed;
        foreach (var segment in sealedOnes)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (MayBePackedBetter(segment) || HoldsEnoughDead(segment))
            {
                var result = store.Packer.Pack(segment, TakeOut, Settle, cancellationToken);
                (rewritten, before, after) = (rewritten + 1, before + result.BytesBefore, after + result.BytesAfter);
            }

            progress?.Report(new FileSystemProgress(store.Segments.EndOf(segment), store.Segments.EndOf(sealedOnes[^1])));
        }

        store.Writer.PublishToOthers();
        return new CompactionReport(rewritten, removed, before, after);
    }

    private bool MayBePackedBetter(Segment segment) => store.Packer.Compresses && !store.Packer.IsPacked(segment);

    private bool HoldsEnoughDead(Segment segment)
    {
        var end = Math.Min(store.Segments.EndOf(segment), store.End.Position);
        var scanner = new LogScanner(store.Segments, segment.FirstFrame, segment.Chain);
        var deadDocumentBytes = 0L;
        while (scanner.TryNext(out var frame, end))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (dead.FateOf(frame, left: null) == FrameFate.Kept) continue;
            if (frame.Kind != FrameKind.DocumentPut) return true;
            deadDocumentBytes += frame.Bytes.Length;
        }

        if (scanner.Position < end)
            throw store.Segments.Damaged(scanner.Position, "a stored frame is not whole, or does not continue the one before it.");
        return deadDocumentBytes > 0 && deadDocumentBytes >= (end - segment.Base) / WorthwhilePart;
    }

    private FrameFate TakeOut(Frame frame, LogBatch left)
    {
        var fate = dead.FateOf(frame, left);
        if (fate != FrameFate.Kept) removed++;
        return fate;
    }

    // The frames that removed others are flushed first: after a power loss, removed frames must not be missing without them. Other
    // processes see them too, so that they do not look for removed frames.
    private void Settle()
    {
        store.Writer.PublishToOthers();
        store.SyncNow();
    }
}
