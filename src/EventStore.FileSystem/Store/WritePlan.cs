using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Index;

namespace EventStore.FileSystem.Store;

/// <summary>
/// What one write adds to the log. A decider fills it in from what the store holds; <see cref="StoreWriter"/> carries it out. One plan is
/// used again for every write, with the writer's gate held.
/// </summary>
internal sealed class WritePlan(StoreIndex index)
{
    private LogPoint start;

    // The commits, for the index, and the keys of their streams one after another; after them the key that was looked up last.
    private readonly List<PlannedCommit> commits = [];
    private byte[] keys = new byte[IndexKeys.MaxStreamLength];
    private int keysLength;
    private int lastKeyLength;

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
        commits.Clear();
        keysLength = 0;
        (start, StampTicks, NextCheckpoint) = (end, end.StampTicks, new Checkpoint(end.NextCheckpoint));
    }

    /// <summary>Finds the head of a stream as it was before this plan. Called before a commit of the stream is added.</summary>
    public PlannedHead FindHead(StreamId stream)
    {
        if (keys.Length - keysLength < IndexKeys.MaxStreamLength) Array.Resize(ref keys, keys.Length * 2);
        var free = keys.AsSpan(keysLength);
        lastKeyLength = IndexKeys.WriteStream(free, stream);
        return new PlannedHead(index.FindHead(stream, free[..lastKeyLength]));
    }

    /// <summary>Adds a commit to the stream that was looked up last; returns its new head.</summary>
    /// <param name="attempt">What is committed.</param>
    /// <param name="record">The record of it.</param>
    /// <param name="before">The head of its stream before it.</param>
    public PlannedHead AddCommit(CommitAttempt attempt, CommitRecord record, PlannedHead before)
    {
        var position = NextPosition;
        var head = new HeadEntry(before.Entry.Start == 0 ? position : before.Entry.Start, record.LastRevision.Value, record.Sequence.Value);
        var numbers = new CommitNumbers(record.FirstRevision.Value, record.Sequence.Value);
        CommitCodec.Write(Frames, attempt, numbers, record.Stamp.UtcTicks, position - head.Start);
        commits.Add(new PlannedCommit(record, head, position, keysLength, lastKeyLength));
        keysLength += lastKeyLength;
        (StampTicks, NextCheckpoint) = (record.Stamp.UtcTicks, new Checkpoint(NextCheckpoint.Value + record.EventCount));
        return new PlannedHead(head);
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

    /// <summary>
    /// Indexes what was written. Commits are indexed from here, where their keys are available; everything else from its frame, as opening
    /// does it.
    /// </summary>
    public void Index(NameCache names)
    {
        if (commits.Count == 0) index.ApplyAll(Frames.Written, start.Position, names);
        foreach (var commit in commits)
        {
            var key = keys.AsSpan(commit.KeyStart, commit.KeyLength);
            index.AddCommit(key, commit.Head, commit.Position, commit.Record.CommitId, commit.Record.FirstCheckpoint.Value);
        }
    }

    private readonly record struct PlannedCommit(CommitRecord Record, HeadEntry Head, long Position, int KeyStart, int KeyLength);
}
