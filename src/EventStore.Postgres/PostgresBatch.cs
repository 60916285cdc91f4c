namespace EventStore.Postgres;

/// <summary>The row of the store, as a decision finds it and as it leaves it.</summary>
internal readonly record struct StoreRow(
    long Version, long LastCheckpoint, DateTimeOffset LastStamp, long LastStream, long Removed, string? Holder)
{
    /// <summary>
    /// The version after a change: a number that was never there. Counted, it would come again when a failover or a crash takes the last
    /// changes back and others change the store as often. A writer that remembers what was lost would then take the store for the one it
    /// knows.
    /// </summary>
    public static long NewVersion() => Random.Shared.NextInt64();
}

/// <summary>A stream's row: its key, commit sequence and state. A stream without one has key 0.</summary>
internal readonly record struct StreamRow(long Stream, long Sequence, StreamState State);

/// <summary>The state of the store that a batch is decided on.</summary>
/// <param name="Row">The store's row.</param>
/// <param name="Streams">The rows of the batch's streams; a stream that is missing has none.</param>
/// <param name="Commits">Commits that carry ids of the batch; those of the batch itself are added.</param>
/// <param name="Matches">For each condition of the batch the first stored event that matches it; a condition that holds has none.</param>
internal sealed record StoreState(
    StoreRow Row,
    IReadOnlyDictionary<StreamId, StreamRow> Streams,
    Dictionary<(StreamId, Guid), CommitRecord> Commits,
    IReadOnlyDictionary<AppendCondition, Checkpoint> Matches);

/// <summary>Decides the attempts of a batch, in order, on the state of the store before it. Knows no SQL and does no I/O.</summary>
internal sealed class PostgresBatch : IAttemptFacts
{
    private readonly StoreState state;
    private readonly long version = StoreRow.NewVersion();
    private readonly TimeProvider time;
    private readonly DateTimeOffset now;
    private StoreRow row;

    private PostgresBatch(StoreState state, TimeProvider time, int count)
    {
        (this.state, this.time, now, Outcomes) = (state, time, time.GetUtcNow(), new CommitOutcome[count]);
        row = state.Row;
    }

    public StoreRow Before => state.Row;

    /// <summary>The store's row after the batch.</summary>
    public StoreRow After => Written.Count == 0 ? Before : row with { Version = version };

    public CommitOutcome[] Outcomes { get; }

    /// <summary>What is to be written: the attempt, what becomes of it, and the key of its stream.</summary>
    public List<(CommitAttempt Attempt, CommitRecord Commit, long Stream)> Written { get; } = [];

    /// <summary>The streams that the batch moves, as it leaves them.</summary>
    public Dictionary<StreamId, StreamRow> Moved { get; } = [];

    /// <summary>Whether one event without tags is all that is written, and to a stream that was there before.</summary>
    public bool IsOneEvent =>
        Written.Count == 1 && Written[0].Commit.EventCount == 1 && Written[0].Commit.FirstRevision.Value > 1 && !IsMarked;

    /// <summary>Whether an event has tags, a commit is one of a unit, or a stamp was given: more than the usual is written then.</summary>
    public bool IsMarked { get; private set; }

    Checkpoint IAttemptFacts.HighestRemoved => new(row.Removed);

    /// <summary>Decides every attempt.</summary>
    /// <param name="attempts">The batch.</param>
    /// <param name="state">The state of the store before it. Commits of the batch are added to it.</param>
    /// <param name="time">The clock for stamps.</param>
    public static PostgresBatch Decide(IReadOnlyList<CommitAttempt> attempts, StoreState state, TimeProvider time)
    {
        var batch = new PostgresBatch(state, time, attempts.Count);
        for (var i = 0; i < attempts.Count; i++) batch.Outcomes[i] = batch.Decide(attempts[i]);
        return batch;
    }

    StreamState IAttemptFacts.StateOf(StreamId stream) => RowOf(stream).State;

    CommitRecord? IAttemptFacts.FindCommit(StreamId stream, Guid commitId) => state.Commits.GetValueOrDefault((stream, commitId));

    // What is stored comes before what the batch adds.
    Checkpoint IAttemptFacts.FindFirstMatch(AppendCondition condition)
    {
        if (state.Matches.TryGetValue(condition, out var stored)) return stored;
        foreach (var (attempt, commit, _) in Written)
        {
            if (commit.LastCheckpoint <= condition.After) continue;
            for (var i = 0; i < commit.EventCount; i++)
            {
                var recorded = new RecordedEvent(commit, i, attempt.Events[i]);
                if (recorded.Checkpoint > condition.After && condition.Criteria.Matches(recorded)) return recorded.Checkpoint;
            }
        }

        return Checkpoint.Origin;
    }

    // Nothing is changed until the attempt is decided.
    private CommitOutcome Decide(CommitAttempt attempt)
    {
        if (AttemptRules.Refuse(attempt, this) is { } refused) return refused;
        row = row with { LastStamp = CommitRecord.NextStamp(time, row.LastStamp, attempt.Stamp ?? now) };
        IsMarked |= attempt.Stamp is not null || attempt.Rest.Count > 0;
        if (attempt.Rest.Count == 0) return CommitOutcome.Committed(Write(attempt, default));
        var unit = new UnitPlace(new Checkpoint(row.LastCheckpoint + 1), attempt.MemberCount);
        return CommitOutcome.Committed(Write(attempt, unit), [.. attempt.Rest.Select(member => Write(member, unit))]);
    }

    private CommitRecord Write(CommitAttempt attempt, UnitPlace unit)
    {
        var stream = RowOf(attempt.Stream);
        if (stream.Stream == 0)
        {
            row = row with { LastStream = row.LastStream + 1 };
            var created = new StreamState(new Checkpoint(row.LastCheckpoint + 1), Revision.None, new Revision(1), IsSealed: false);
            stream = new StreamRow(row.LastStream, 0, created);
        }

        var head = new StreamHead(attempt.Stream, stream.State.Revision, new CommitSequence(stream.Sequence), Revision.None);
        var commit = AttemptRules.Accept(attempt, head, new Checkpoint(row.LastCheckpoint), row.LastStamp, unit);
        row = row with { LastCheckpoint = commit.LastCheckpoint.Value };
        Moved[attempt.Stream] =
            new StreamRow(stream.Stream, commit.Sequence.Value, stream.State with { Revision = commit.LastRevision });
        Written.Add((attempt, commit, stream.Stream));
        for (var i = 0; i < attempt.Events.Count && !IsMarked; i++) IsMarked = attempt.Events[i].Tags.Count > 0;
        state.Commits.Add((attempt.Stream, attempt.CommitId), commit);
        return commit;
    }

    private StreamRow RowOf(StreamId stream) =>
        Moved.TryGetValue(stream, out var moved) ? moved : state.Streams.GetValueOrDefault(stream);
}
