using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using EventStore.FileSystem.Bytes;

namespace EventStore.FileSystem.Index;

/// <summary>
/// Finds everything in the log: heads, a stream's commits, commit ids, snapshots, documents, checkpoints. A pure function of the log, so
/// that it may be deleted at any time and is then rebuilt. All but its newest part is on disk.
/// </summary>
internal sealed class StoreIndex(RunKeeper keeper)
{
    private const int PlaceBytes = 64 << 10;

    // Touched by the writer only.
    private long lastPlace = long.MinValue;
    private long lastPlaceTable = -1;

    /// <summary>The newest stamp of the commits that were indexed.</summary>
    public long NewestStamp { get; private set; } = keeper.Indexed.StampTicks;

    public Removals Removals => keeper.Removals;

    public IndexState State => keeper.State;

    public RunKeeper Keeper => keeper;

    /// <summary>Indexes a commit, its tags apart.</summary>
    public void AddCommit(ReadOnlySpan<byte> headKey, HeadEntry head, in CommitPlace place)
    {
        var active = State.Active;
        active.AddCommit(headKey, head, place);
        if (active.From == lastPlaceTable && place.Position - lastPlace < PlaceBytes) return;
        active.AddPlace(place.FirstCheckpoint, place.Position);
        (lastPlace, lastPlaceTable) = (place.Position, active.From);
    }

    /// <summary>Indexes a commit by tags of one of its events.</summary>
    public void AddTags(string bucket, IReadOnlyList<string> tags, in CommitPlace place)
    {
        for (var i = 0; i < tags.Count; i++) State.Active.AddToTag(IndexKeys.OfTag(bucket, tags[i]), place);
    }

    /// <summary>Indexes a commit by a tag of its bucket.</summary>
    public void AddTag(ReadOnlySpan<byte> bucket, ReadOnlySpan<byte> tag, in CommitPlace place)
    {
        Span<byte> term = stackalloc byte[IndexKeys.MaxTermLength];
        State.Active.AddToTag(term[..IndexKeys.WriteTag(term, bucket, tag)], place);
    }

    public void AddDeletion(StreamId stream, long removed, long position)
    {
        State.Active.AddDeletion(IndexKeys.OfStream(stream));
        AddRemoval(removed, position);
    }

    public void AddState(StreamId stream, HeadEntry head, long removed, long position)
    {
        State.Active.SetHead(IndexKeys.OfStream(stream), head);
        if (removed > 0) AddRemoval(removed, position);
    }

    public void AddPurge(string? bucket, long removed, long position)
    {
        State.Active.Put(bucket is null ? IndexKeys.PurgeOfAll : IndexKeys.OfPurge(bucket), Varint.Of(position));
        Removals.Purge(bucket, position);
        AddRemoval(removed, position);
    }

    private void AddRemoval(long removed, long position)
    {
        State.Active.Put(IndexKeys.NewestRemoval, Varint.Of(position));
        Removals.Note(position);
        if (removed <= Removals.Highest) return;
        State.Active.Put(IndexKeys.HighestRemoved, Varint.Of(removed));
        Removals.NoteCheckpoint(removed);
    }

    public void AddHold(string holder, bool isHeld, long position)
    {
        State.Active.Put(IndexKeys.OfHold(holder), isHeld ? Varint.Of(position) : []);
        Removals.Hold(holder, isHeld);
    }

    public void AddSnapshot(StreamId stream, long revision, int schemaVersion, long position) =>
        State.Active.Put(IndexKeys.OfSnapshot(IndexKeys.OfStream(stream), revision, schemaVersion), Varint.Of(position));

    public void AddPruning(StreamId stream, IEnumerable<(long Revision, int SchemaVersion)> pruned)
    {
        var headKey = IndexKeys.OfStream(stream);
        foreach (var (revision, schemaVersion) in pruned) State.Active.Put(IndexKeys.OfSnapshot(headKey, revision, schemaVersion), []);
    }

    public void AddDocument(string name, long position) => State.Active.Put(IndexKeys.OfDocument(name), Varint.Of(position));

    public void AddDocumentDeletion(string name) => State.Active.Put(IndexKeys.OfDocument(name), []);

    /// <summary>Indexes a frame of the log.</summary>
    public void Apply(in Frame frame, NameCache names)
    {
        NewestStamp = Math.Max(NewestStamp, CommitCodec.NewestStampOf(frame));
        FrameIndexing.Apply(this, frame, names);
    }

    /// <summary>Indexes frames that follow each other.</summary>
    public void ApplyAll(ReadOnlySpan<byte> frames, long position, NameCache names)
    {
        while (!frames.IsEmpty)
        {
            var frame = new Frame(position, frames[..Format.FrameLength(frames)]);
            Apply(frame, names);
            frames = frames[frame.Bytes.Length..];
            position = frame.End;
        }
    }

    /// <summary>Indexes a frame, and starts writing the part in memory to disk when it is full.</summary>
    public void ApplyAndFreeze(in Frame frame, NameCache names)
    {
        Apply(frame, names);
        if (keeper.IsFullInOpening(frame.End))
            keeper.FreezeInOpening(new LogPoint(frame.End, frame.Chain, frame.Checkpoint + frame.Count, NewestStamp));
    }

    /// <summary>Finds the head of a stream; one that was deleted, purged or never written does not exist.</summary>
    [SkipLocalsInit] // the key is written before it is read
    public HeadEntry FindHead(StreamId stream)
    {
        Span<byte> headKey = stackalloc byte[IndexKeys.MaxStreamLength];
        return FindHead(stream, headKey[..IndexKeys.WriteStream(headKey, stream)]);
    }

    /// <summary>The same with the head's key.</summary>
    public HeadEntry FindHead(StreamId stream, ReadOnlySpan<byte> headKey)
    {
        var state = State;
        if (!state.Active.TryFindHead(headKey, out var head) && !(state.Frozen?.TryFindHead(headKey, out head) ?? false))
            head = state.TryFindInRuns(headKey, out var value) ? HeadEntry.Read(value) : default;
        return head.Exists && !Removals.Holds(stream.Bucket, head.Start) ? head : default;
    }

    /// <summary>Finds the addresses of the commits that hold a range of a stream's revisions, in order.</summary>
    public List<(long LastRevision, long Position)> FindCommits(
        StreamId stream, HeadEntry head, long fromRevision, long toRevision, int limit)
    {
        var found = new List<(long LastRevision, long Position)>();
        var state = State;
        var headKey = IndexKeys.OfStream(stream);
        var hash = RunFormat.HashOf(headKey);
        var isDone = false;
        foreach (var run in state.Runs)
        {
            if (isDone || run.To <= head.Start || !run.MayHold(hash)) continue;
            isDone = CopyFrom(run, headKey, head.Start, fromRevision, toRevision, limit, found);
        }

        foreach (var memtable in (Memtable?[])[state.Frozen, state.Active])
        {
            if (isDone || memtable is null) continue;
            memtable.CopyCommits(headKey, head.Start, fromRevision, toRevision, limit, found);
            isDone = found.Count > 0 && found[^1].LastRevision >= toRevision;
        }

        return found;
    }

    /// <summary>Finds the addresses of all commits that ever had an id, in any stream.</summary>
    public IReadOnlyList<long> FindCommitIds(Guid commitId)
    {
        List<long>? found = null;
        var state = State;
        var number = CommitIdRange.NumberOf(commitId);
        state.Active.CopyCommitIds(commitId, number, ref found);
        state.Frozen?.CopyCommitIds(commitId, number, ref found);
        if (state.Runs.Length > 0) FindInRuns(state.Runs, commitId, number, ref found);
        return found ?? (IReadOnlyList<long>)[];
    }

    /// <summary>
    /// Finds the commit that holds a checkpoint, or one shortly before it: a checkpoint of it, and its address. Both are 0 for the
    /// beginning of the log.
    /// </summary>
    public (long Checkpoint, long Position) PlaceOf(long checkpoint)
    {
        var state = State;
        var place = state.Active.PlaceOf(checkpoint);
        if (place.Position == 0) place = state.Frozen?.PlaceOf(checkpoint) ?? default;
        for (var i = state.Runs.Length - 1; i >= 0 && place.Position == 0; i--)
        {
            var cursor = state.Runs[i].OpenCursor();
            if (cursor.SeekFloor(IndexKeys.OfCheckpoint(checkpoint)) && cursor.Key[0] == IndexKeys.Checkpoint)
                place = (IndexKeys.CheckpointIn(cursor.Key), Varint.Read(cursor.Value));
        }

        return place;
    }

    private static void FindInRuns(ImmutableArray<RunFile> runs, Guid commitId, UInt128 number, ref List<long>? found)
    {
        Span<byte> key = stackalloc byte[IndexKeys.CommitIdLength];
        IndexKeys.WriteCommitId(key, commitId, 0);
        var prefix = IndexKeys.FilteredPart(key);
        var hash = RunFormat.HashOf(prefix);
        foreach (var run in runs)
        {
            if (!run.CommitIds.Holds(number) || !run.MayHold(hash)) continue;
            var cursor = run.OpenCursor();
            for (var isThere = cursor.Seek(key); isThere && cursor.Key.StartsWith(prefix); isThere = cursor.Next())
                (found ??= []).Add(IndexKeys.PositionIn(cursor.Key));
        }
    }

    // Copies the commits of one run; returns whether the range is complete.
    private static bool CopyFrom(
        RunFile run, byte[] headKey, long streamStart, long fromRevision, long toRevision, int limit,
        List<(long LastRevision, long Position)> into)
    {
        var from = IndexKeys.OfEvents(headKey, fromRevision);
        var cursor = run.OpenCursor();
        for (var isThere = cursor.Seek(from); isThere && cursor.Key.StartsWith(from.AsSpan(0, headKey.Length)); isThere = cursor.Next())
        {
            if (into.Count >= limit) return true;
            var position = Varint.Read(cursor.Value);
            if (position < streamStart) continue;
            var revision = IndexKeys.RevisionIn(cursor.Key);
            into.Add((revision, position));
            if (revision >= toRevision) return true;
        }

        return false;
    }
}
