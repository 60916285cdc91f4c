using System.Runtime.CompilerServices;
using EventStore.FileSystem.Bytes;

namespace EventStore.FileSystem.Index;

/// <summary>Indexes what a frame of the log holds, as opening and rebuilding read it.</summary>
internal static class FrameIndexing
{
    /// <exception cref="StorageFormatException">The frame is of an unknown kind.</exception>
    public static void Apply(StoreIndex index, in Frame frame, NameCache names)
    {
        var position = frame.Position;
        switch (frame.Kind)
        {
            case FrameKind.Commit or FrameKind.Unit or FrameKind.Shortened:
                for (var commits = new FrameCommits(frame, names); commits.TryNext(out var commit);) AddCommit(index, commit);
                break;
            case FrameKind.StreamDelete:
                var (deleted, highest) = RecordCodec.ReadDeletion(frame);
                index.AddDeletion(deleted, highest, position);
                break;
            case FrameKind.StreamState:
                var (stream, head, removed) = RecordCodec.ReadState(frame);
                index.AddState(stream, head, removed, position);
                break;
            case FrameKind.Purge:
                var (bucket, purged) = RecordCodec.ReadPurge(frame);
                index.AddPurge(bucket.Length == 0 ? null : bucket, purged, position);
                break;
            case FrameKind.Hold:
                var (holder, isHeld) = RecordCodec.ReadHold(frame);
                index.AddHold(holder, isHeld, position);
                break;
            case FrameKind.SnapshotSave or FrameKind.SnapshotPrune or FrameKind.DocumentPut or FrameKind.DocumentDelete:
                ApplyRecord(index, frame);
                break;
            case FrameKind.Gap or FrameKind.Seal or FrameKind.Skip:
                break;
            default:
                throw new StorageFormatException(
                    $"The frame at address {position} of the log", $"kind {(int)frame.Kind}", "the kinds 1 to 14");
        }
    }

    private static void ApplyRecord(StoreIndex index, in Frame frame)
    {
        var reader = new BodyReader(frame);
        switch (frame.Kind)
        {
            case FrameKind.SnapshotSave:
                var saved = reader.Stream();
                var (revision, schemaVersion) = RecordCodec.ReadVersion(ref reader);
                index.AddSnapshot(saved, revision, schemaVersion, frame.Position);
                break;
            case FrameKind.SnapshotPrune:
                var (stream, pruned) = RecordCodec.ReadPruning(frame);
                index.AddPruning(stream, pruned);
                break;
            case FrameKind.DocumentPut:
                index.AddDocument(RecordCodec.ReadName(ref reader), frame.Position);
                break;
            default:
                index.AddDocumentDeletion(RecordCodec.ReadName(ref reader));
                break;
        }
    }

    [SkipLocalsInit] // the key is written before it is read
    private static void AddCommit(StoreIndex index, in CommitReader commit)
    {
        Span<byte> headKey = stackalloc byte[IndexKeys.MaxStreamLength];
        headKey = headKey[..IndexKeys.WriteStream(headKey, commit.Bucket, commit.Category, commit.Id)];
        var place = new CommitPlace(commit.Position, commit.CommitId, commit.FirstCheckpoint, commit.LastCheckpoint);
        index.AddCommit(headKey, commit.ToHead(), place);
        if (!commit.HasTags) return;
        var tags = new TagIndexing(index, commit.Bucket, place);
        commit.VisitTags(ref tags);
    }

    // Indexes a commit by its tags, as they are stored.
    private readonly ref struct TagIndexing(StoreIndex index, ReadOnlySpan<byte> bucket, CommitPlace place) : ITagVisitor
    {
        private readonly ReadOnlySpan<byte> bucket = bucket;

        public void Visit(ReadOnlySpan<byte> tag) => index.AddTag(bucket, tag, place);
    }
}
