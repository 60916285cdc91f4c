using EventStore.FileSystem.Index;
using EventStore.FileSystem.Log;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Engine;

/// <summary>Decides a batch of attempts, each against those before it, and gathers what is to be written. Used by the one writer.</summary>
internal sealed class CommitDecider(OpenStore store, TimeProvider time)
{
    // The stamp of the newest commit, written or about to be.
    private long stampTicks;

    private readonly Dictionary<StreamId, HeadEntry> heads = [];
    private readonly Dictionary<(StreamId Stream, Guid CommitId), CommitRecord> gathered = [];
    private readonly List<(CommitRecord Record, HeadEntry Head, long Position)> commits = [];

    public long StampTicks => stampTicks;

    /// <summary>Decides all attempts; what they store is indexed once it is written.</summary>
    public (IReadOnlyList<CommitOutcome> Outcomes, Action? WhenWritten) Decide(IReadOnlyList<CommitAttempt> attempts)
    {
        heads.Clear();
        gathered.Clear();
        commits.Clear();
        stampTicks = Math.Max(stampTicks, store.Log.End.StampTicks);
        var outcomes = new CommitOutcome[attempts.Count];
        for (var i = 0; i < outcomes.Length; i++) outcomes[i] = Decide(attempts[i], isAlone: outcomes.Length == 1);
        return (outcomes, commits.Count == 0 ? null : Index);
    }

    // A duplicate is told before anything else is looked at.
    private CommitOutcome Decide(CommitAttempt attempt, bool isAlone)
    {
        if (isAlone || !heads.TryGetValue(attempt.Stream, out var head)) head = store.Index.FindHead(attempt.Stream);
        if (head.Exists && FindDuplicate(attempt, head, isAlone) is { } original) return CommitOutcome.Duplicate(original);
        if (!attempt.Expected.IsMetBy(head.Revision)) return CommitOutcome.Conflict(head.Revision);

        var position = store.Log.NextPosition;
        var record = new CommitRecord(
            attempt.Stream, attempt.CommitId, head.Sequence + 1, NextStamp(), head.Revision + 1, store.Log.NextCheckpoint, attempt.Events.Count,
            attempt.Headers.IsEmpty ? default : attempt.Headers.ToArray());
        var start = head.Exists ? head.Start : position;
        CommitCodec.Write(store.Log.Body, attempt, new CommitNumbers(head.Revision + 1, head.Sequence + 1), stampTicks, position - start);
        store.Log.EndFrame(FrameKind.Commit, attempt.Events.Count);
        head = new HeadEntry(start, record.LastRevision.Value, record.Sequence.Value);
        commits.Add((record, head, position));
        if (isAlone) return CommitOutcome.Committed(record);

        heads[attempt.Stream] = head;
        gathered.Add((attempt.Stream, attempt.CommitId), record);
        return CommitOutcome.Committed(record);
    }

    private CommitRecord? FindDuplicate(CommitAttempt attempt, HeadEntry head, bool isAlone)
    {
        if (!isAlone && gathered.TryGetValue((attempt.Stream, attempt.CommitId), out var known)) return known;
        foreach (var position in store.Index.FindCommitIds(attempt.CommitId))
        {
            if (position < head.Start) continue;
            var frame = store.OpenReader(4096).Read(position);
            if (frame.Header.Kind != FrameKind.Commit) continue;
            var commit = CommitCodec.Read(frame, store.Names);
            if (commit.StreamStart != head.Start || commit.Record.Stream != attempt.Stream || commit.Record.CommitId != attempt.CommitId) continue;
            return commit.Record with { Headers = commit.Record.Headers.ToArray() };
        }

        return null;
    }

    private DateTimeOffset NextStamp()
    {
        var stamp = CommitRecord.NextStamp(time, new DateTimeOffset(stampTicks, TimeSpan.Zero));
        stampTicks = stamp.UtcTicks;
        return stamp;
    }

    private void Index()
    {
        foreach (var (record, head, position) in commits) store.Index.AddCommit(record.Stream, head, position, record.CommitId, record.FirstCheckpoint.Value);
    }
}
