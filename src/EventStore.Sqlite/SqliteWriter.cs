namespace EventStore.Sqlite;

/// <summary>
/// Decides a batch of attempts within the writer's transaction, each against what is stored and against those before it, and stores them.
/// Because one transaction at a time gives checkpoints and makes them visible when it ends, none ever comes late (G14).
/// </summary>
/// <remarks>
/// Heads and counters are kept from one batch to the next. They are trusted only if the transaction sees that no other connection has
/// written since, and nothing was taken back or removed. Otherwise they are read again: other processes may write at any time.
/// </remarks>
internal sealed class SqliteWriter(SqliteSession session, TimeProvider time)
{
    // The entries of the newest commits lie close together, so that a batch changes few pages of them however many streams it is for. After
    // so many events they are moved to those gathered before, and after so many these to where they stay: each page of the large index is
    // changed once for many batches.
    private const int EventsToGather = 1_024;
    private const int EventsToSettle = 32_768;
    private const int MaxKnownHeads = 16_384;
    private readonly SqliteEventWriter encoder = new();

    // What is known, and since when.
    private readonly Dictionary<StreamId, KnownHead> heads = [];
    private (long, long) era;
    private long checkpoint;
    private long gathered;
    private long settled;
    private DateTimeOffset stamp;

    /// <summary>The outcomes, and the newest checkpoint.</summary>
    public (CommitOutcome[] Outcomes, Checkpoint Newest) Commit(IReadOnlyList<CommitAttempt> attempts)
    {
        if (session.Era is var now && now != era) Learn(now);
        if (heads.Count > MaxKnownHeads) heads.Clear();
        var outcomes = new CommitOutcome[attempts.Count];
        for (var i = 0; i < outcomes.Length; i++) outcomes[i] = Commit(attempts[i]);
        if (checkpoint - gathered >= EventsToGather) MoveEntries();
        return (outcomes, new Checkpoint(checkpoint));
    }

    private void Learn((long, long) now)
    {
        heads.Clear();
        (checkpoint, var microseconds, gathered, settled) = session.ReadStore();
        stamp = SqliteStamps.ToTime(microseconds);
        era = now;
    }

    private void MoveEntries()
    {
        session.Prepare("move-recent").Execute();
        session.Prepare("purge-recent").Execute();
        gathered = checkpoint;
        if (checkpoint - settled >= EventsToSettle)
        {
            session.Prepare("move-gathered").Execute();
            session.Prepare("purge-gathered").Execute();
            settled = checkpoint;
        }

        session.Prepare("update-moved").Bind(1, gathered).Bind(2, settled).Execute();
    }

    // A duplicate comes before a conflict; where nothing conflicts, the unique index on commit ids finds it at no cost.
    private CommitOutcome Commit(CommitAttempt attempt)
    {
        var stream = attempt.Stream;
        var head = FindHead(stream);
        if (!attempt.Expected.IsMetBy(head.Revision)
            && AttemptRules.Refuse(attempt, head.Revision, FindOriginal(attempt, head)) is { } refused) return refused;

        var next = CommitRecord.NextStamp(time, stamp);
        var commit = AttemptRules.Accept(attempt, head.Revision, new CommitSequence(head.Sequence), new Checkpoint(checkpoint), next);
        var number = head.Exists ? head.Number : checkpoint + 1;
        if (!TryInsert(commit, head with { Number = number }, attempt.Events))
            return FindOriginal(attempt, head) is { } known ? CommitOutcome.Duplicate(known) : throw SqliteErrors.Damage(session,
                session.Sql.Table("commits"), $"the index of commit ids knows {commit.CommitId}, but its row is missing.");
        session.Prepare("insert-recent").Bind(1, number).Bind(2, commit.FirstRevision.Value).Bind(3, commit.FirstCheckpoint.Value)
            .Execute();
        if (!head.Exists) session.Prepare("insert-stream").Bind(1, number).Bind(2, stream.Bucket).Bind(3, stream.Category)
            .Bind(4, stream.Id).Execute();
        (checkpoint, stamp) = (commit.LastCheckpoint.Value, next);
        heads[stream] = new(number, commit.LastRevision, commit.Sequence.Value, head.Sum);
        return CommitOutcome.Committed(commit);
    }

    private KnownHead FindHead(StreamId stream)
    {
        if (heads.TryGetValue(stream, out var known)) return known;
        var head = SqliteHeads.Find(session, stream);
        return heads[stream] = new(head.Number, head.Revision, head.CommitSequence.Value, SqliteChecksum.Of(stream));
    }

    private bool TryInsert(CommitRecord commit, in KnownHead head, IReadOnlyList<EventRecord> events)
    {
        var encoded = encoder.Write(events);
        Span<byte> id = stackalloc byte[16];
        commit.CommitId.TryWriteBytes(id, bigEndian: true, out _);
        return session.Prepare("insert-commit")
            .Bind(1, commit.FirstCheckpoint.Value).Bind(2, head.Number).Bind(3, commit.FirstRevision.Value).Bind(4, commit.Sequence.Value)
            .Bind(5, commit.EventCount)
            .Bind(6, SqliteStamps.ToMicroseconds(commit.Stamp)).Bind(7, id)
            .Bind(8, SqliteRows.Sum(head.Sum, commit, encoded).Value).Bind(9, commit.Headers.Span).Bind(10, encoded)
            .Execute() == 1;
    }

    private CommitRecord? FindOriginal(CommitAttempt attempt, in KnownHead head) =>
        session.Reader.FindCommit(new StoredStream(head.Number, attempt.Stream, head.Sum), attempt.CommitId);

    /// <summary>The head of a stream, of which there may be none yet, with the checksum of its name.</summary>
    private readonly record struct KnownHead(long Number, Revision Revision, long Sequence, SqliteChecksum Sum)
    {
        public bool Exists => Number != 0;
    }
}
