using EventStore.FileSystem.Reading;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Engine;

/// <summary>Decides attempts, each against those before it in its batch. Used within the writer's turn.</summary>
internal sealed class CommitDecider(StoreView store, TimeProvider time, HoldDecider hold)
    : IDecider<IReadOnlyList<CommitAttempt>, CommitOutcome[]>, IDecider<CommitAttempt, CommitOutcome>
{
    // The stamp of the newest commit, written or about to be. Never goes back, even if a batch fails.
    private long stampTicks;

    // What the batch stores, in order. Streams and commit ids lead to their newest commit.
    private readonly List<(CommitAttempt Attempt, CommitRecord Record)> commits = [];
    private readonly Dictionary<StreamId, PlannedHead> heads = [];
    private readonly Dictionary<Guid, int> newestOfId = [];

    public CommitOutcome[] Decide(IReadOnlyList<CommitAttempt> asked, WritePlan plan)
    {
        if (asked.Count == 1) return [Decide(asked[0], plan)];
        Begin(plan);
        var outcomes = new CommitOutcome[asked.Count];
        for (var i = 0; i < outcomes.Length; i++) outcomes[i] = DecideInTurn(asked[i], plan, isLast: i == outcomes.Length - 1);
        return outcomes;
    }

    public CommitOutcome Decide(CommitAttempt asked, WritePlan plan)
    {
        Begin(plan);
        return DecideInTurn(asked, plan, isLast: true);
    }

    private StoreView Store => store;

    private void Begin(WritePlan plan)
    {
        hold.RequireFree();
        commits.Clear();
        heads.Clear();
        newestOfId.Clear();
        stampTicks = Math.Max(stampTicks, plan.StampTicks);
    }

    private CommitOutcome DecideInTurn(CommitAttempt attempt, WritePlan plan, bool isLast)
    {
        var stored = plan.FindHead(attempt.Stream);
        var head = heads.GetValueOrDefault(attempt.Stream, stored);
        if (AttemptRules.Refuse(attempt, new Facts(this, plan, attempt.Stream, head)) is { } refused) return refused;
        var stamp = NextStamp(attempt.Stamp);
        if (attempt.Rest.Count > 0) return AddUnit(attempt, plan, stamp);
        var record = Accept(attempt, head, plan.NextCheckpoint, stamp);
        var after = plan.AddCommit(attempt, record, head);
        if (!isLast) Remember(attempt, record, after);
        return CommitOutcome.Committed(record);
    }

    private CommitOutcome AddUnit(CommitAttempt attempt, WritePlan plan, DateTimeOffset stamp)
    {
        var (records, before) = (new CommitRecord[attempt.MemberCount], new PlannedHead[attempt.MemberCount]);
        var next = plan.NextCheckpoint;
        var unit = new UnitPlace(next, records.Length);
        for (var i = 0; i < records.Length; i++)
        {
            before[i] = HeadOf(attempt.Member(i).Stream, plan);
            records[i] = Accept(attempt.Member(i), before[i], next, stamp) with { Unit = unit };
            next += records[i].EventCount;
        }

        var after = plan.AddUnit(attempt, records, before);
        for (var i = 0; i < records.Length; i++) Remember(attempt.Member(i), records[i], after[i]);
        return CommitOutcome.Committed(records[0], records[1..]);
    }

    private CommitRecord Accept(CommitAttempt attempt, PlannedHead head, Checkpoint first, DateTimeOffset stamp)
    {
        AttemptRules.RequireRoom(attempt, new Revision(head.Revision), new Checkpoint(first.Value - 1), store.Segments.Disk.Root);
        return new CommitRecord(
            attempt.Stream, attempt.CommitId, new CommitSequence(head.Sequence + 1), stamp, new Revision(head.Revision + 1), first,
            attempt.Events.Count, attempt.Headers.IsEmpty ? default : attempt.Headers.ToArray());
    }

    private PlannedHead HeadOf(StreamId stream, WritePlan plan) =>
        heads.TryGetValue(stream, out var planned) ? planned : plan.FindHead(stream);

    private void Remember(CommitAttempt attempt, CommitRecord record, PlannedHead head)
    {
        heads[attempt.Stream] = head;
        newestOfId[attempt.CommitId] = commits.Count;
        commits.Add((attempt, record));
    }

    private CommitRecord? FindCommit(StreamId stream, Guid commitId, PlannedHead head)
    {
        if (!head.Exists) return null;
        if (newestOfId.TryGetValue(commitId, out var newest))
        {
            for (; newest >= 0; newest--)
            {
                if (commits[newest].Record is var known && known.CommitId == commitId && known.Stream == stream) return known;
            }
        }

        return DuplicateReading.Find(store, stream, commitId, head);
    }

    private Checkpoint FindFirstMatch(AppendCondition condition)
    {
        if (ConditionReading.FindFirstMatch(store, condition) is var found && found != Checkpoint.Origin) return found;
        foreach (var (attempt, record) in commits)
        {
            for (var i = 0; i < record.EventCount; i++)
            {
                if (record.FirstCheckpoint + i > condition.After
                    && condition.Criteria.Matches(new RecordedEvent(record, i, attempt.Events[i])))
                    return record.FirstCheckpoint + i;
            }
        }

        return Checkpoint.Origin;
    }

    private DateTimeOffset NextStamp(DateTimeOffset? given)
    {
        var stamp = CommitRecord.NextStamp(time, new DateTimeOffset(stampTicks, TimeSpan.Zero), given);
        stampTicks = stamp.UtcTicks;
        return stamp;
    }

    // What an attempt is decided on; the head of its first stream is known.
    private readonly struct Facts(CommitDecider decider, WritePlan plan, StreamId known, PlannedHead head) : IAttemptFacts
    {
        public Checkpoint HighestRemoved => new(decider.Store.Index.Removals.Highest);

        public StreamState StateOf(StreamId stream) => HeadOf(stream).State;

        public CommitRecord? FindCommit(StreamId stream, Guid commitId) => decider.FindCommit(stream, commitId, HeadOf(stream));

        public Checkpoint FindFirstMatch(AppendCondition condition) => decider.FindFirstMatch(condition);

        private PlannedHead HeadOf(StreamId stream) => stream == known ? head : decider.HeadOf(stream, plan);
    }
}
