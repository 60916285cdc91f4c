namespace EventStore.Sqlite;

/// <summary>
/// Decides a batch of attempts within the writer's transaction, each against what is stored and against those before it, and stores them.
/// Heads and counters are read here and nowhere before: other processes may have written since the last batch. Because one transaction at
/// a time gives checkpoints and makes them visible when it ends, none ever comes late (G14).
/// </summary>
internal sealed class SqliteCommits(SqliteSession session, TimeProvider time)
{
    private readonly SqliteEventWriter encoder = new();
    private long checkpoint;
    private DateTimeOffset stamp;

    /// <summary>The outcomes, and the newest checkpoint.</summary>
    public (CommitOutcome[] Outcomes, Checkpoint Newest) Commit(IReadOnlyList<CommitAttempt> attempts)
    {
        (checkpoint, var microseconds) = session.ReadStore();
        stamp = SqliteStamps.ToTime(microseconds);
        var before = checkpoint;
        var outcomes = new CommitOutcome[attempts.Count];
        for (var i = 0; i < outcomes.Length; i++) outcomes[i] = Commit(attempts[i]);
        if (checkpoint > before) session.Prepare("update-store").Bind(1, checkpoint).Bind(2, SqliteStamps.ToMicroseconds(stamp)).Execute();
        return (outcomes, checkpoint);
    }

    // A duplicate is told before a conflict; where nothing conflicts, the unique index on commit ids tells it for nothing.
    private CommitOutcome Commit(CommitAttempt attempt)
    {
        var head = SqliteHeads.Find(session, attempt.Stream);
        if (!attempt.Expected.IsMetBy(head.Revision)) return FindOriginal(attempt, head.Number) ?? CommitOutcome.Conflict(head.Revision);

        var number = head.Exists ? head.Number : checkpoint + 1;
        stamp = CommitRecord.NextStamp(time, stamp);
        var commit = new CommitRecord(
            attempt.Stream, attempt.CommitId, head.Sequence + 1, stamp, head.Revision + 1, checkpoint + 1, attempt.Events.Count, attempt.Headers.IsEmpty ? default : attempt.Headers.ToArray());
        if (!TryInsert(commit, number, attempt.Events)) return FindOriginal(attempt, number) ?? throw SqliteErrors.Damage(session, session.Sql.Table("commits"), $"the index of commit ids knows {commit.CommitId}, but its row is missing.");
        if (!head.Exists) session.Prepare("insert-stream").Bind(1, number).Bind(2, attempt.Stream.Bucket).Bind(3, attempt.Stream.Category).Bind(4, attempt.Stream.Id).Execute();
        checkpoint += commit.EventCount;
        return CommitOutcome.Committed(commit);
    }

    private bool TryInsert(CommitRecord commit, long stream, IReadOnlyList<EventRecord> events)
    {
        var encoded = encoder.Write(events);
        Span<byte> id = stackalloc byte[16];
        commit.CommitId.TryWriteBytes(id, bigEndian: true, out _);
        return session.Prepare("insert-commit")
            .Bind(1, commit.FirstCheckpoint.Value).Bind(2, stream).Bind(3, commit.FirstRevision.Value).Bind(4, commit.Sequence.Value).Bind(5, commit.EventCount)
            .Bind(6, SqliteStamps.ToMicroseconds(commit.Stamp)).Bind(7, id)
            .Bind(8, SqliteRows.Sum(SqliteChecksum.Of(commit.Stream), commit, encoded).Value).Bind(9, commit.Headers.Span).Bind(10, encoded)
            .Execute() == 1;
    }

    private CommitOutcome? FindOriginal(CommitAttempt attempt, long stream)
    {
        Span<byte> id = stackalloc byte[16];
        attempt.CommitId.TryWriteBytes(id, bigEndian: true, out _);
        var row = session.Prepare("find-commit").Bind(1, id).Bind(2, stream);
        try
        {
            if (!row.Step()) return null;
            var known = session.Rows.StreamOf(stream);
            session.Rows.ReadEvents(row, session.Rows.Commit(row, known.Name), known, out var original);
            return CommitOutcome.Duplicate(original);
        }
        finally
        {
            row.Reset();
            session.Rows.Forget();
        }
    }
}
