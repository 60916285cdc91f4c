using EventStore.FileSystem.Reading;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Engine;

/// <summary>Decides attempts, each against those before it in its batch. Used within the writer's turn.</summary>
internal sealed class CommitDecider(
    StoreView store, TimeProvider time) : IDecider<IReadOnlyList<CommitAttempt>, CommitOutcome[]>, IDecider<CommitAttempt, CommitOutcome>
{
    // The stamp of the newest commit, written or about to be. Never goes back, even if a batch fails.
    private long stampTicks;

    // What the batch stores, in order. Streams and commit ids lead to their newest commit.
    private readonly List<CommitRecord> commits = [];
    private readonly Dictionary<StreamId, PlannedHead> heads = [];
    private readonly Dictionary<Guid, int> newestOfId = [];

    public CommitOutcome[] Decide(IReadOnlyList<CommitAttempt> asked, WritePlan plan)
    {
        if (asked.Count == 1) return [Decide(asked[0], plan)];
        Begin(plan);
        var outcomes = new CommitOutcome[asked.Count];
        for (var i = 0; i < outcomes.Length; i++) outcomes[i] = DecideInBatch(asked[i], plan);
        return outcomes;
    }

    public CommitOutcome Decide(CommitAttempt asked, WritePlan plan)
    {
        Begin(plan);
        return Decide(asked, plan.FindHead(asked.Stream), plan, out _);
    }

    private void Begin(WritePlan plan)
    {
        commits.Clear();
        heads.Clear();
        newestOfId.Clear();
        stampTicks = Math.Max(stampTicks, plan.StampTicks);
    }

    private CommitOutcome DecideInBatch(CommitAttempt attempt, WritePlan plan)
    {
        var stored = plan.FindHead(attempt.Stream);
        var head = heads.GetValueOrDefault(attempt.Stream, stored);
        var outcome = Decide(attempt, head, plan, out var added);
        if (added is not { } commit) return outcome;
        heads[attempt.Stream] = commit.Head;
        newestOfId[attempt.CommitId] = commits.Count;
        commits.Add(commit.Record);
        return outcome;
    }

    // A duplicate is recognized before anything else is looked at.
    private CommitOutcome Decide(
        CommitAttempt attempt, PlannedHead head, WritePlan plan, out (CommitRecord Record, PlannedHead Head)? added)
    {
        added = null;
        if (head.Exists && FindDuplicate(attempt, head) is { } original) return CommitOutcome.Duplicate(original);
        if (!attempt.Expected.IsMetBy(new Revision(head.Revision))) return CommitOutcome.Conflict(new Revision(head.Revision));

        var record = new CommitRecord(
            attempt.Stream, attempt.CommitId, new CommitSequence(head.Sequence + 1), NextStamp(), new Revision(head.Revision + 1),
            plan.NextCheckpoint, attempt.Events.Count, attempt.Headers.IsEmpty ? default : attempt.Headers.ToArray());
        added = (record, plan.AddCommit(attempt, record, head));
        return CommitOutcome.Committed(record);
    }

    private CommitRecord? FindDuplicate(CommitAttempt attempt, PlannedHead head)
    {
        if (newestOfId.TryGetValue(attempt.CommitId, out var newest))
        {
            for (; newest >= 0; newest--)
            {
                if (commits[newest] is var known && known.CommitId == attempt.CommitId && known.Stream == attempt.Stream) return known;
            }
        }

        return DuplicateReading.Find(store, attempt.Stream, attempt.CommitId, head);
    }

    private DateTimeOffset NextStamp()
    {
        var stamp = CommitRecord.NextStamp(time, new DateTimeOffset(stampTicks, TimeSpan.Zero));
        stampTicks = stamp.UtcTicks;
        return stamp;
    }
}
