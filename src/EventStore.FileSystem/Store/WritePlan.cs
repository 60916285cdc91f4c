using EventStore.FileSystem.Bytes;

namespace EventStore.FileSystem.Store;

/// <summary>
/// What one write adds to the log. A decider fills it in from what the store holds; <see cref="StoreWriter"/> carries it out. One plan is
/// used again for every write, with the writer's gate held.
/// </summary>
internal sealed class WritePlan
{
    private LogPoint start;

    /// <summary>The frames, in order.</summary>
    public LogBatch Frames { get; } = new();

    public bool IsEmpty => Frames.Length == 0;

    /// <summary>The newest stamp in the log or in this plan.</summary>
    public long StampTicks { get; private set; }

    /// <summary>The checkpoint that the next event gets.</summary>
    public Checkpoint NextCheckpoint { get; private set; }

    private long NextPosition => start.Position + Frames.Length;

    /// <summary>Forgets what was planned before, and plans from the end of the log on.</summary>
    public void Begin(LogPoint end)
    {
        Frames.Clear();
        (start, StampTicks, NextCheckpoint) = (end, end.StampTicks, new Checkpoint(end.NextCheckpoint));
    }

    /// <summary>Adds a commit; returns where its stream starts.</summary>
    /// <param name="attempt">What is committed.</param>
    /// <param name="record">The record of it.</param>
    /// <param name="streamStart">The address of its stream's first commit; 0 if this is the first.</param>
    public long AddCommit(CommitAttempt attempt, CommitRecord record, long streamStart)
    {
        var position = NextPosition;
        if (streamStart == 0) streamStart = position;
        var numbers = new CommitNumbers(record.FirstRevision.Value, record.Sequence.Value);
        CommitCodec.Write(Frames, attempt, numbers, record.Stamp.UtcTicks, position - streamStart);
        (StampTicks, NextCheckpoint) = (record.Stamp.UtcTicks, new Checkpoint(NextCheckpoint.Value + record.EventCount));
        return streamStart;
    }

    public void AddStreamDeletion(StreamId stream) => RecordCodec.WriteDeletion(Frames, stream);

    /// <param name="bucket">The bucket; null for everything.</param>
    public void AddPurge(string? bucket) => RecordCodec.WritePurge(Frames, bucket);

    public void AddSnapshot(SnapshotRecord snapshot) => RecordCodec.WriteSnapshot(Frames, snapshot);

    public void AddPruning(StreamId stream, IReadOnlyList<(long Revision, int SchemaVersion)> pruned) =>
        RecordCodec.WritePruning(Frames, stream, pruned);

    /// <summary>Adds a document; returns its version.</summary>
    public long AddDocument(string name, ReadOnlyMemory<byte> content)
    {
        var version = NextPosition;
        RecordCodec.WriteDocument(Frames, name, content.Span);
        return version;
    }

    public void AddDocumentDeletion(string name) => RecordCodec.WriteDocumentDeletion(Frames, name);
}
