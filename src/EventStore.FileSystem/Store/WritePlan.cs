using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Index;

namespace EventStore.FileSystem.Store;

/// <summary>
/// What one write adds to the log. A decider fills it in from what the store holds; <see cref="StoreWriter"/> carries it out. One plan is
/// used again for every write, with the writer's gate held.
/// </summary>
internal sealed class WritePlan(StoreIndex index)
{
    /// <summary>The longest name of the import that holds a store, in bytes.</summary>
    public const int MaxHolderBytes = IndexKeys.MaxHolderBytes;

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
    /// <exception cref="IndexDamageException">The index has a stream that begins after the end of the log.</exception>
    public PlannedHead FindHead(StreamId stream)
    {
        if (keys.Length - keysLength < IndexKeys.MaxStreamLength) Array.Resize(ref keys, keys.Length * 2);
        var free = keys.AsSpan(keysLength);
        lastKeyLength = IndexKeys.WriteStream(free, stream);
        var head = index.FindHead(stream, free[..lastKeyLength]);
        return head.Start < start.Position && head.Incarnation < start.NextCheckpoint ? new PlannedHead(head)
            : throw new IndexDamageException(RunFormat.Folder, "a stream begins after the end of the log.");
    }

    /// <summary>Adds a commit to the stream that was looked up last; returns its new head.</summary>
    /// <param name="attempt">What is committed.</param>
    /// <param name="record">The record of it.</param>
    /// <param name="before">The head of its stream before it.</param>
    public PlannedHead AddCommit(CommitAttempt attempt, CommitRecord record, PlannedHead before)
    {
        var position = NextPosition;
        var head = HeadAfter(record, before, position);
        CommitCodec.Write(Frames, attempt, NumbersOf(record, head, position), record.Stamp.UtcTicks);
        Note(attempt, record, head, position);
        return new PlannedHead(head);
    }

    /// <summary>Adds the commits of a unit; returns the new heads of their streams.</summary>
    /// <param name="attempt">What is committed.</param>
    /// <param name="records">The record of each commit.</param>
    /// <param name="before">The heads of their streams before it.</param>
    public PlannedHead[] AddUnit(CommitAttempt attempt, IReadOnlyList<CommitRecord> records, IReadOnlyList<PlannedHead> before)
    {
        var position = NextPosition;
        var (heads, numbers) = (new PlannedHead[records.Count], new CommitNumbers[records.Count]);
        for (var i = 0; i < heads.Length; i++)
        {
            heads[i] = new PlannedHead(HeadAfter(records[i], before[i], position));
            numbers[i] = NumbersOf(records[i], heads[i].Entry, position);
        }

        CommitCodec.WriteUnit(Frames, attempt, numbers, records[0].Stamp.UtcTicks);
        for (var i = 0; i < heads.Length; i++)
        {
            FindHead(records[i].Stream); // puts its key behind those of the commits before it
            Note(attempt.Member(i), records[i], heads[i].Entry, position);
        }

        return heads;
    }

    /// <param name="stream">The stream.</param>
    /// <param name="removed">The highest checkpoint that is removed.</param>
    public void AddStreamDeletion(StreamId stream, long removed) => RecordCodec.WriteDeletion(Frames, stream, removed);

    /// <param name="stream">The stream.</param>
    /// <param name="head">Its head after it was truncated or sealed.</param>
    /// <param name="removed">The highest checkpoint that is removed; 0 for none.</param>
    public void AddStreamState(StreamId stream, PlannedHead head, long removed) =>
        RecordCodec.WriteState(Frames, stream, head.Entry, removed);

    /// <param name="bucket">The bucket; null for everything.</param>
    /// <param name="removed">The highest checkpoint that is removed.</param>
    public void AddPurge(string? bucket, long removed) => RecordCodec.WritePurge(Frames, bucket, removed);

    public void AddHold(string holder, bool isHeld) => RecordCodec.WriteHold(Frames, holder, isHeld);

    /// <summary>Adds checkpoints that no event gets.</summary>
    public void AddSkip(long checkpoints)
    {
        NextCheckpoint = new Checkpoint(NextCheckpoint.Value + checkpoints);
        for (; checkpoints > 0; checkpoints -= ushort.MaxValue)
            RecordCodec.WriteSkip(Frames, (int)Math.Min(checkpoints, ushort.MaxValue));
    }

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
            var record = commit.Record;
            var place = new CommitPlace(commit.Position, record.CommitId, record.FirstCheckpoint.Value, record.LastCheckpoint.Value);
            index.AddCommit(keys.AsSpan(commit.KeyStart, commit.KeyLength), commit.Head, place);
            for (var i = 0; i < commit.Attempt.Events.Count; i++)
            {
                if (commit.Attempt.Events[i].Tags.Count > 0) index.AddTags(record.Stream.Bucket, commit.Attempt.Events[i].Tags, place);
            }
        }
    }

    private static HeadEntry HeadAfter(CommitRecord record, PlannedHead before, long position) => before.Exists
        ? before.Entry with { Revision = record.LastRevision.Value, Sequence = record.Sequence.Value }
        : new HeadEntry(
            position, record.LastRevision.Value, record.Sequence.Value, record.FirstCheckpoint.Value, FirstRevision: 1, IsSealed: false);

    private static CommitNumbers NumbersOf(CommitRecord record, in HeadEntry head, long position) => new(
        record.FirstRevision.Value, record.Sequence.Value, position - head.Start, record.FirstCheckpoint.Value - head.Incarnation,
        head.FirstRevision);

    private void Note(CommitAttempt attempt, CommitRecord record, in HeadEntry head, long position)
    {
        commits.Add(new PlannedCommit(attempt, record, head, position, keysLength, lastKeyLength));
        keysLength += lastKeyLength;
        (StampTicks, NextCheckpoint) = (record.Stamp.UtcTicks, new Checkpoint(NextCheckpoint.Value + record.EventCount));
    }

    private readonly record struct PlannedCommit(
        CommitAttempt Attempt, CommitRecord Record, HeadEntry Head, long Position, int KeyStart, int KeyLength);
}
