namespace EventStore.Postgres;

/// <summary>The row of the store, as a decision finds it and as it leaves it.</summary>
internal readonly record struct StoreRow(long Version, long LastCheckpoint, DateTimeOffset LastStamp, long LastStream)
{
    /// <summary>
    /// The version after a change: a number that was never there. Counted, it would come again when a failover or a crash takes the last
    /// changes back and others change the store as often. A writer that remembers what was lost would then take the store for the one it
    /// knows.
    /// </summary>
    public static long NewVersion() => Random.Shared.NextInt64();
}

/// <summary>A stream's row: its key, revision and commit sequence. A stream without one has key 0.</summary>
internal readonly record struct StreamRow(long Stream, long Revision, long Sequence);

/// <summary>The state of the store that a batch is decided on.</summary>
/// <param name="Row">The store's row.</param>
/// <param name="Streams">The rows of the batch's streams; a stream that is missing has none.</param>
/// <param name="Commits">Commits that carry ids of the batch; those of the batch itself are added.</param>
internal sealed record StoreState(
    StoreRow Row, IReadOnlyDictionary<StreamId, StreamRow> Streams, Dictionary<(StreamId, Guid), CommitRecord> Commits);

/// <summary>Decides the attempts of a batch, in order, on the state of the store before it. Knows no SQL and does no I/O.</summary>
internal sealed class PostgresBatch
{
    private readonly StoreState state;
    private readonly long version = StoreRow.NewVersion();
    private StoreRow row;

    private PostgresBatch(StoreState state, DateTimeOffset stamp, int count)
    {
        (this.state, Stamp, Outcomes) = (state, stamp, new CommitOutcome[count]);
        row = state.Row;
    }

    public StoreRow Before => state.Row;

    /// <summary>The store's row after the batch.</summary>
    public StoreRow After => Written.Count == 0 ? Before : row with { Version = version, LastStamp = Stamp };

    /// <summary>The stamp of every commit of the batch.</summary>
    public DateTimeOffset Stamp { get; }

    public CommitOutcome[] Outcomes { get; }

    /// <summary>What is to be written: the attempt, what becomes of it, and the key of its stream.</summary>
    public List<(CommitAttempt Attempt, CommitRecord Commit, long Stream)> Written { get; } = [];

    /// <summary>The streams that the batch moves, as it leaves them.</summary>
    public Dictionary<StreamId, StreamRow> Moved { get; } = [];

    /// <summary>Whether one event is all that is written, and to a stream that was there before.</summary>
    public bool IsOneEvent => Written.Count == 1 && Written[0].Commit.EventCount == 1 && Written[0].Commit.FirstRevision.Value > 1;

    /// <summary>Decides every attempt.</summary>
    /// <param name="attempts">The batch.</param>
    /// <param name="state">The state of the store before it. Commits of the batch are added to it.</param>
    /// <param name="time">The clock for the stamp.</param>
    public static PostgresBatch Decide(IReadOnlyList<CommitAttempt> attempts, StoreState state, TimeProvider time)
    {
        var batch = new PostgresBatch(state, CommitRecord.NextStamp(time, state.Row.LastStamp), attempts.Count);
        for (var i = 0; i < attempts.Count; i++) batch.Outcomes[i] = batch.Decide(attempts[i]);
        return batch;
    }

    // Nothing is changed until the attempt is decided.
    private CommitOutcome Decide(CommitAttempt attempt)
    {
        if (!Moved.TryGetValue(attempt.Stream, out var stream)) stream = state.Streams.GetValueOrDefault(attempt.Stream);
        var original = state.Commits.GetValueOrDefault((attempt.Stream, attempt.CommitId));
        if (AttemptRules.Refuse(attempt, new Revision(stream.Revision), original) is { } refused) return refused;

        if (stream.Stream == 0)
        {
            row = row with { LastStream = row.LastStream + 1 };
            stream = new StreamRow(row.LastStream, 0, 0);
        }

        var commit = AttemptRules.Accept(
            attempt, new Revision(stream.Revision), new CommitSequence(stream.Sequence), new Checkpoint(row.LastCheckpoint), Stamp);
        row = row with { LastCheckpoint = commit.LastCheckpoint.Value };
        Moved[attempt.Stream] = new StreamRow(stream.Stream, commit.LastRevision.Value, commit.Sequence.Value);
        Written.Add((attempt, commit, stream.Stream));
        state.Commits.Add((attempt.Stream, attempt.CommitId), commit);
        return CommitOutcome.Committed(commit);
    }
}
