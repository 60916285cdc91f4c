namespace EventStore.Postgres;

/// <summary>The row of the store, as a decision finds it and as it leaves it.</summary>
internal readonly record struct StoreRow(long Version, long LastCheckpoint, DateTimeOffset LastStamp, long LastStream)
{
    /// <summary>
    /// The version after a change: a number that was never there. Counted, it would come again when a failover or a crash takes the last changes
    /// back and others change the store as often; and whoever remembers what was lost would take the store for the one he knows.
    /// </summary>
    public static long NewVersion() => Random.Shared.NextInt64();
}

/// <summary>A stream's row: its key, revision and commit sequence. A stream without one has key 0.</summary>
internal readonly record struct StreamRow(long Stream, long Revision, long Sequence);

/// <summary>Decides the attempts of a batch, in order, on the state of the store before it. Knows no SQL and does no I/O.</summary>
internal sealed class PostgresBatch
{
    private readonly IReadOnlyDictionary<StreamId, StreamRow> known;
    private readonly Dictionary<(StreamId, Guid), CommitRecord> commits;
    private readonly long version = StoreRow.NewVersion();
    private StoreRow row;

    private PostgresBatch(StoreRow before, IReadOnlyDictionary<StreamId, StreamRow> known, Dictionary<(StreamId, Guid), CommitRecord> commits, DateTimeOffset stamp, int count)
    {
        (Before, this.known, this.commits, Stamp, Outcomes) = (before, known, commits, stamp, new CommitOutcome[count]);
        row = before;
    }

    public StoreRow Before { get; }

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
    /// <param name="before">The store's row.</param>
    /// <param name="known">The rows of the batch's streams; a stream that is missing has none.</param>
    /// <param name="commits">Commits that carry ids of the batch; those of the batch itself are added.</param>
    /// <param name="time">The clock for the stamp.</param>
    public static PostgresBatch Decide(
        IReadOnlyList<CommitAttempt> attempts, StoreRow before, IReadOnlyDictionary<StreamId, StreamRow> known, Dictionary<(StreamId, Guid), CommitRecord> commits, TimeProvider time)
    {
        var batch = new PostgresBatch(before, known, commits, CommitRecord.NextStamp(time, before.LastStamp), attempts.Count);
        for (var i = 0; i < attempts.Count; i++) batch.Outcomes[i] = batch.Decide(attempts[i]);
        return batch;
    }

    // A duplicate is told before anything else is looked at; nothing is changed until the attempt is decided.
    private CommitOutcome Decide(CommitAttempt attempt)
    {
        if (commits.TryGetValue((attempt.Stream, attempt.CommitId), out var original)) return CommitOutcome.Duplicate(original);
        if (!Moved.TryGetValue(attempt.Stream, out var stream)) stream = known.GetValueOrDefault(attempt.Stream);
        if (!attempt.Expected.IsMetBy(new Revision(stream.Revision))) return CommitOutcome.Conflict(new Revision(stream.Revision));

        if (stream.Stream == 0)
        {
            row = row with { LastStream = row.LastStream + 1 };
            stream = new StreamRow(row.LastStream, 0, 0);
        }

        var commit = new CommitRecord(
            attempt.Stream, attempt.CommitId, new CommitSequence(stream.Sequence + 1), Stamp, new Revision(stream.Revision + 1), new Checkpoint(row.LastCheckpoint + 1), attempt.Events.Count, attempt.Headers.ToArray());
        row = row with { LastCheckpoint = commit.LastCheckpoint.Value };
        Moved[attempt.Stream] = new StreamRow(stream.Stream, commit.LastRevision.Value, commit.Sequence.Value);
        Written.Add((attempt, commit, stream.Stream));
        commits.Add((attempt.Stream, attempt.CommitId), commit);
        return CommitOutcome.Committed(commit);
    }
}
