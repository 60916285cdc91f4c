using System.Text;
namespace EventStore.FileSystem.Bytes;

/// <summary>Writes and reads the bodies of frames other than commits: seals, deletions, purges, snapshots and documents.</summary>
internal static class RecordCodec
{
    public static void WriteDeletion(LogBatch into, StreamId stream)
    {
        into.BeginFrame();
        into.Stream(stream);
        into.EndFrame(FrameKind.StreamDelete, 0);
    }

    /// <param name="into">Receives the frame.</param>
    /// <param name="bucket">What is purged; null for everything.</param>
    public static void WritePurge(LogBatch into, string? bucket)
    {
        into.BeginFrame();
        into.Text(bucket ?? "");
        into.EndFrame(FrameKind.Purge, 0);
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

    /// <summary>What was purged; empty for everything.</summary>
    public static string ReadPurge(in Frame frame)
    {
        var reader = new BodyReader(frame);
        return Encoding.UTF8.GetString(reader.Name(StreamId.MaxBucketBytes, least: 0));
    }

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
