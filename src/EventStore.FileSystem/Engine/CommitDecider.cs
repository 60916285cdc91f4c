using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Engine;

/// <summary>Decides attempts, each against those before it in its batch, and gathers what is to be written. Used by the one writer.</summary>
internal sealed class CommitDecider(OpenStore store, TimeProvider time) : IWriting<IReadOnlyList<CommitAttempt>, CommitOutcome[]>, IWriting<CommitAttempt, CommitOutcome>
{
    // The stamp of the newest commit, written or about to be.
    private long stampTicks;

    // What the batch stores. In a batch of more than one, streams and commit ids lead to the newest commit of theirs.
    private readonly List<Gathered> commits = [];
    private readonly Dictionary<StreamId, int> newestOfStream = [];
    private readonly Dictionary<Guid, int> newestOfId = [];
    private byte[] headKeys = new byte[IndexKeys.MaxStreamLength];
    private int headKeysLength;

    public long StampTicks => stampTicks;

    public CommitOutcome[] Gather(IReadOnlyList<CommitAttempt> asked)
    {
        Begin();
        var outcomes = new CommitOutcome[asked.Count];
        for (var i = 0; i < outcomes.Length; i++) outcomes[i] = Decide(asked[i], isAlone: outcomes.Length == 1);
        return outcomes;
    }

    public CommitOutcome Gather(CommitAttempt asked)
    {
        Begin();
        return Decide(asked, isAlone: true);
    }

    public void Index()
    {
        foreach (var commit in commits)
            store.Index.AddCommit(headKeys.AsSpan(commit.KeyStart, commit.KeyLength), commit.Head, commit.Position, commit.Record.CommitId, commit.Record.FirstCheckpoint.Value);
    }

    private void Begin()
    {
        newestOfStream.Clear();
        newestOfId.Clear();
        commits.Clear();
        headKeysLength = 0;
        stampTicks = Math.Max(stampTicks, store.Log.End.StampTicks);
    }

    // A duplicate is told before anything else is looked at.
    private CommitOutcome Decide(CommitAttempt attempt, bool isAlone)
    {
        var headKey = WriteHeadKey(attempt.Stream);
        var head = !isAlone && newestOfStream.TryGetValue(attempt.Stream, out var newest) ? commits[newest].Head : store.Index.FindHead(attempt.Stream, headKey);
        if (head.Exists && FindDuplicate(attempt, head, isAlone) is { } original) return CommitOutcome.Duplicate(original);
        if (!attempt.Expected.IsMetBy(new Revision(head.Revision))) return CommitOutcome.Conflict(new Revision(head.Revision));

        var position = store.Log.NextPosition;
        var record = new CommitRecord(
            attempt.Stream, attempt.CommitId, new CommitSequence(head.Sequence + 1), NextStamp(), new Revision(head.Revision + 1), new Checkpoint(store.Log.NextCheckpoint), attempt.Events.Count,
            attempt.Headers.IsEmpty ? default : attempt.Headers.ToArray());
        var start = head.Exists ? head.Start : position;
        CommitCodec.Write(store.Log.Body, attempt, new CommitNumbers(head.Revision + 1, head.Sequence + 1), stampTicks, position - start);
        store.Log.EndFrame(FrameKind.Commit, attempt.Events.Count);
        if (!isAlone) (newestOfStream[attempt.Stream], newestOfId[attempt.CommitId]) = (commits.Count, commits.Count);
        commits.Add(new Gathered(record, new HeadEntry(start, record.LastRevision.Value, record.Sequence.Value), position, headKeysLength, headKey.Length));
        headKeysLength += headKey.Length;
        return CommitOutcome.Committed(record);
    }

    private CommitRecord? FindDuplicate(CommitAttempt attempt, HeadEntry head, bool isAlone)
    {
        if (!isAlone && newestOfId.TryGetValue(attempt.CommitId, out var newest))
        {
            for (; newest >= 0; newest--)
            {
                if (commits[newest].Record is var known && known.CommitId == attempt.CommitId && known.Stream == attempt.Stream) return known;
            }
        }

        foreach (var position in store.Index.FindCommitIds(attempt.CommitId))
        {
            if (position >= head.Start && ReadDuplicate(position, attempt, head.Start) is { } original) return original;
        }

        return null;
    }

    // Apart from where it is called for, so that nothing is captured for a commit whose id is new.
    private CommitRecord? ReadDuplicate(long position, CommitAttempt attempt, long streamStart) => store.View.Look(position, frame =>
    {
        if (frame.Kind != FrameKind.Commit) return null;
        var commit = new CommitReader(frame, store.View.Names);
        var isSame = commit.StreamStart == streamStart && commit.Stream == attempt.Stream && commit.CommitId == attempt.CommitId;
        return isSame ? commit.ToRecord(new PageBytes()) : null;
    });

    // Behind the keys of the commits gathered so far, where it stays if this one is gathered too.
    private ReadOnlySpan<byte> WriteHeadKey(StreamId stream)
    {
        if (headKeys.Length - headKeysLength < IndexKeys.MaxStreamLength) Array.Resize(ref headKeys, headKeys.Length * 2);
        var free = headKeys.AsSpan(headKeysLength);
        return free[..IndexKeys.WriteStream(free, stream)];
    }

    private DateTimeOffset NextStamp()
    {
        var stamp = CommitRecord.NextStamp(time, new DateTimeOffset(stampTicks, TimeSpan.Zero));
        stampTicks = stamp.UtcTicks;
        return stamp;
    }

    private readonly record struct Gathered(CommitRecord Record, HeadEntry Head, long Position, int KeyStart, int KeyLength);
}
