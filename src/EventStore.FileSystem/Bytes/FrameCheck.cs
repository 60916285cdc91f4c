namespace EventStore.FileSystem.Bytes;

/// <summary>
/// Checks the content of a frame whose checksum is right. A process that can write to the storage can compute checksums too. So nothing in
/// a frame is trusted before it was checked here, or by the reader of its values.
/// </summary>
internal static class FrameCheck
{
    private static readonly NameCache Unused = new();

    /// <exception cref="CorruptStorageException">Something in it is impossible.</exception>
    public static void Require(in Frame frame)
    {
        var reader = new BodyReader(frame);
        switch (frame.Kind)
        {
            case FrameKind.Commit or FrameKind.Unit or FrameKind.Shortened:
                for (var commits = new FrameCommits(frame, Unused); commits.TryNext(out var commit);) commit.Require();
                break;
            case FrameKind.Seal:
                reader.Number(Format.MaxCheckpoint);
                break;
            case FrameKind.StreamDelete:
                RecordCodec.ReadDeletion(frame);
                break;
            case FrameKind.StreamState:
                RecordCodec.ReadState(frame);
                break;
            case FrameKind.Hold:
                RecordCodec.ReadHold(frame);
                break;
            case FrameKind.Purge:
                RecordCodec.ReadPurge(frame);
                break;
            case FrameKind.SnapshotSave:
                RequireSnapshot(ref reader);
                break;
            case FrameKind.SnapshotPrune:
                RecordCodec.ReadPruning(frame);
                break;
            case FrameKind.DocumentPut:
                RecordCodec.ReadName(ref reader);
                reader.Bytes();
                break;
            case FrameKind.DocumentDelete:
                RecordCodec.ReadName(ref reader);
                break;
            case FrameKind.Gap:
                GapCodec.StampOf(frame);
                break;
        }
    }

    private static void RequireSnapshot(ref BodyReader reader)
    {
        reader.Stream();
        RecordCodec.ReadVersion(ref reader);
        reader.Name(EventRecord.MaxTypeBytes);
        reader.Bytes();
    }
}
