using System.Text;
namespace EventStore.FileSystem.Bytes;

/// <summary>Writes and reads the bodies of frames other than commits: seals, deletions, purges, snapshots and documents.</summary>
internal static class RecordCodec
{
    /// <param name="into">Receives the frame.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="removed">The highest checkpoint that is removed.</param>
    public static void WriteDeletion(LogBatch into, StreamId stream, long removed)
    {
        into.BeginFrame();
        into.Stream(stream);
        into.Number(removed);
        into.EndFrame(FrameKind.StreamDelete, 0);
    }

    /// <param name="into">Receives the frame.</param>
    /// <param name="bucket">What is purged; null for everything.</param>
    /// <param name="removed">The highest checkpoint that is removed.</param>
    public static void WritePurge(LogBatch into, string? bucket, long removed)
    {
        into.BeginFrame();
        into.Text(bucket ?? "");
        into.Number(removed);
        into.EndFrame(FrameKind.Purge, 0);
    }

    /// <summary>Writes what a stream is after it was truncated or sealed.</summary>
    /// <param name="into">Receives the frame.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="head">What it is now.</param>
    /// <param name="removed">The highest checkpoint that is removed; 0 for none.</param>
    public static void WriteState(LogBatch into, StreamId stream, HeadEntry head, long removed)
    {
        into.BeginFrame();
        into.Stream(stream);
        into.Number(head.Start);
        into.Number(head.Revision);
        into.Number(head.Sequence);
        into.Number(head.Incarnation);
        into.Number(head.FirstRevision);
        into.Number(head.IsSealed ? 1 : 0);
        into.Number(removed);
        into.EndFrame(FrameKind.StreamState, 0);
    }

    public static void WriteHold(LogBatch into, string holder, bool isHeld)
    {
        into.BeginFrame();
        into.Text(holder);
        into.Number(isHeld ? 1 : 0);
        into.EndFrame(FrameKind.Hold, 0);
    }

    /// <summary>Writes checkpoints that no event gets. The frame has room for the gap that takes its place when it is lost.</summary>
    public static void WriteSkip(LogBatch into, int checkpoints)
    {
        into.BeginFrame();
        for (var i = 0; i < 4; i++) into.Fixed(0);
        into.EndFrame(FrameKind.Skip, checkpoints);
    }

    public static void WriteSnapshot(LogBatch into, SnapshotRecord snapshot)
    {
        into.BeginFrame();
        into.Stream(snapshot.Stream);
        into.Number(snapshot.Revision.Value);
        into.Number(snapshot.SchemaVersion);
        into.Text(snapshot.StateType);
        into.Bytes(snapshot.Payload.Span);
        into.EndFrame(FrameKind.SnapshotSave, 0);
    }

    public static void WritePruning(LogBatch into, StreamId stream, IReadOnlyList<(long Revision, int SchemaVersion)> pruned)
    {
        into.BeginFrame();
        into.Stream(stream);
        into.Number(pruned.Count);
        foreach (var (revision, schemaVersion) in pruned)
        {
            into.Number(revision);
            into.Number(schemaVersion);
        }
        into.EndFrame(FrameKind.SnapshotPrune, 0);
    }

    public static void WriteDocument(LogBatch into, string name, ReadOnlySpan<byte> content)
    {
        into.BeginFrame();
        into.Text(name);
        into.Bytes(content);
        into.EndFrame(FrameKind.DocumentPut, 0);
    }

    public static void WriteDocumentDeletion(LogBatch into, string name)
    {
        into.BeginFrame();
        into.Text(name);
        into.EndFrame(FrameKind.DocumentDelete, 0);
    }

    public static void WriteSeal(LogBatch into, long nextCheckpoint)
    {
        into.BeginFrame();
        into.Number(nextCheckpoint);
        into.EndFrame(FrameKind.Seal, 0);
    }

    public static SnapshotRecord ReadSnapshot(in Frame frame)
    {
        var reader = new BodyReader(frame);
        var stream = reader.Stream();
        var (revision, schemaVersion) = ReadVersion(ref reader);
        var type = Encoding.UTF8.GetString(reader.Name(EventRecord.MaxTypeBytes));
        return new SnapshotRecord(stream, new Revision(revision), schemaVersion, type, reader.Bytes().ToArray());
    }

    public static NamedDocument ReadDocument(in Frame frame)
    {
        var reader = new BodyReader(frame);
        return new NamedDocument(ReadName(ref reader), frame.Position, reader.Bytes().ToArray());
    }

    /// <summary>The name of a document.</summary>
    public static string ReadName(ref BodyReader reader) => Encoding.UTF8.GetString(reader.Name(NamedDocument.MaxNameBytes));

    /// <summary>What was purged, empty for everything, and the highest checkpoint that was removed.</summary>
    public static (string Bucket, long Removed) ReadPurge(in Frame frame)
    {
        var reader = new BodyReader(frame);
        return (Encoding.UTF8.GetString(reader.Name(StreamId.MaxBucketBytes, least: 0)), RemovedIn(frame, ref reader));
    }

    /// <summary>The stream that was deleted, and the highest checkpoint that was removed.</summary>
    public static (StreamId Stream, long Removed) ReadDeletion(in Frame frame)
    {
        var reader = new BodyReader(frame);
        return (reader.Stream(), RemovedIn(frame, ref reader));
    }

    /// <summary>What a stream is since it was truncated or sealed, and the highest checkpoint that was removed.</summary>
    public static (StreamId Stream, HeadEntry Head, long Removed) ReadState(in Frame frame)
    {
        var reader = new BodyReader(frame);
        var stream = reader.Stream();
        var head = new HeadEntry(
            reader.Number(frame.Position), reader.Number(Format.MaxCheckpoint), reader.Number(Format.MaxCheckpoint),
            reader.Number(frame.Checkpoint - 1), reader.Number(Format.MaxCheckpoint), reader.Number(1) == 1);
        return head.IsSound ? (stream, head, RemovedIn(frame, ref reader)) : throw frame.Impossible();
    }

    /// <summary>The import that holds the store, or no longer does.</summary>
    public static (string Holder, bool IsHeld) ReadHold(in Frame frame)
    {
        var reader = new BodyReader(frame);
        return (Encoding.UTF8.GetString(reader.Name(IndexKeys.MaxHolderBytes)), reader.Number(1) == 1);
    }

    // Only what had a checkpoint can be removed.
    private static long RemovedIn(in Frame frame, ref BodyReader reader) => reader.Number(frame.Checkpoint - 1);

    /// <summary>The revision and schema version of a snapshot.</summary>
    public static (long Revision, int SchemaVersion) ReadVersion(ref BodyReader reader) =>
        (reader.Number(Format.MaxCheckpoint), (int)reader.Number(int.MaxValue));

    /// <summary>The snapshots that were pruned.</summary>
    public static (StreamId Stream, (long Revision, int SchemaVersion)[] Pruned) ReadPruning(in Frame frame)
    {
        var reader = new BodyReader(frame);
        var stream = reader.Stream();
        var pruned = new (long, int)[reader.Number(frame.Bytes.Length / 2)]; // each takes two bytes at least
        for (var i = 0; i < pruned.Length; i++) pruned[i] = ReadVersion(ref reader);
        return (stream, pruned);
    }
}
