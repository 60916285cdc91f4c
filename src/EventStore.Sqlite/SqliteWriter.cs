namespace EventStore.Sqlite;

/// <summary>
/// Decides a batch of attempts within the writer's transaction, each against what is stored and against those before it, and stores them.
/// Because one transaction at a time gives checkpoints and makes them visible when it ends, none ever comes late (G14).
/// </summary>
/// <remarks>
/// Heads and counters are kept from one batch to the next, while no other connection has written. What this one takes back or removes makes
/// them be read again, too.
/// </remarks>
internal sealed class SqliteWriter(SqliteSession session, TimeProvider time) : IAttemptFacts
{
    // The entries of the newest commits lie close together, so that a batch changes few pages of them however many streams it is for. After
    // so many events they are moved to those gathered before, and after so many these to where they stay: each page of the large index is
    // changed once for many batches. Entries by category are made when others are gathered.
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
    private long removed;
    private string holder = "";
    private DateTimeOffset stamp;

    Checkpoint IAttemptFacts.HighestRemoved => new(removed);

    StreamState IAttemptFacts.StateOf(StreamId stream) => FindHead(stream).State;

    CommitRecord? IAttemptFacts.FindCommit(StreamId stream, Guid commitId) => FindHead(stream) is { Number: > 0 } head
        ? session.Reader.FindCommit(new StoredStream(head.Number, stream, head.Sum), commitId)
        : null;

    Checkpoint IAttemptFacts.FindFirstMatch(AppendCondition condition) =>
        condition.After.Value >= checkpoint ? Checkpoint.Origin : session.Reader.FindFirstMatch(condition);

    /// <summary>The outcomes, and the newest checkpoint.</summary>
    /// <param name="attempts">The attempts.</param>
    /// <param name="heldAs">The name under which this engine holds the storage; null where it does not.</param>
    /// <exception cref="StorageHeldException">Another one holds it.</exception>
    public (CommitOutcome[] Outcomes, Checkpoint Newest) Commit(IReadOnlyList<CommitAttempt> attempts, string? heldAs)
    {
        if (session.Era is var now && now != era) Learn(now);
        if (holder.Length > 0 && holder != heldAs) throw new StorageHeldException(holder);
        if (heads.Count > MaxKnownHeads) heads.Clear();
        var outcomes = new CommitOutcome[attempts.Count];
        for (var i = 0; i < outcomes.Length; i++) outcomes[i] = Commit(attempts[i]);
        if (checkpoint - gathered >= EventsToGather) MoveEntries();
        return (outcomes, new Checkpoint(checkpoint));
    }

    private void Learn((long, long) now)
    {
        heads.Clear();
        (checkpoint, var microseconds, gathered, settled, removed, holder) = session.ReadStore();
        stamp = SqliteStamps.ToTime(microseconds);
        era = now;
    }

    private void MoveEntries()
    {
        session.Prepare("gather-categories").Bind(1, gathered).Execute();
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

    // A duplicate comes before everything else. Where nothing else is in the way of a lone commit, the unique index on commit ids finds it
    // at no cost.
    private CommitOutcome Commit(CommitAttempt attempt)
    {
        var head = FindHead(attempt.Stream);
        var isPlain = attempt.Rest.Count == 0 && attempt.Condition is null && head.Head is not { IsSealed: true }
            && attempt.Expected.IsMetBy(head.State);
        if (!isPlain && AttemptRules.Refuse(attempt, this) is { } refused) return refused;

        var given = CommitRecord.NextStamp(time, stamp, attempt.Stamp);
        var unit = attempt.Rest.Count == 0 ? default : new UnitPlace(new Checkpoint(checkpoint + 1), attempt.MemberCount);
        if (TryStore(attempt, head, given, unit) is not { } first) return AttemptRules.Refuse(attempt, this) ?? throw Unknown(attempt);
        if (attempt.Rest.Count == 0) return CommitOutcome.Committed(first);

        // Their ids are known to be new, so each of them is stored.
        return CommitOutcome.Committed(first, [.. attempt.Rest.Select(
            member => TryStore(member, FindHead(member.Stream), given, unit) ?? throw Unknown(member))]);
    }

    // Null where the stream holds a commit of this id: nothing is stored then.
    private CommitRecord? TryStore(CommitAttempt attempt, in KnownHead known, DateTimeOffset given, UnitPlace unit)
    {
        var stream = attempt.Stream;
        var commit = AttemptRules.Accept(attempt, known.Head, new Checkpoint(checkpoint), given, unit);
        var number = known.Head is null ? checkpoint + 1 : known.Number;
        var tags = SqliteRows.TagsOf(attempt.Events);
        if (!TryInsert(commit, number, known.Sum, attempt.Events, tags?.Count ?? 0)) return null;

        var first = commit.FirstCheckpoint.Value;
        session.Prepare("insert-recent").Bind(1, number).Bind(2, commit.FirstRevision.Value).Bind(3, first).Execute();
        if (tags is not null)
        {
            foreach (var tag in tags) session.Prepare("insert-tag").Bind(1, stream.Bucket).Bind(2, tag).Bind(3, first).Execute();
        }

        if (known.Head is null) session.Prepare("insert-stream").Bind(1, number).Bind(2, stream.Bucket).Bind(3, stream.Category)
            .Bind(4, stream.Id).Bind(5, SqliteChecksum.OfRow(known.Sum, new Revision(1), isSealed: false).Value).Execute();
        (checkpoint, stamp) = (commit.LastCheckpoint.Value, given);
        var head = known.Head ?? new StreamHead(stream, default, default, default) { Incarnation = new Checkpoint(number) };
        heads[stream] = new(head with { Revision = commit.LastRevision, CommitSequence = commit.Sequence }, known.Sum);
        return commit;
    }

    private CorruptStorageException Unknown(CommitAttempt attempt) => SqliteErrors.Damage(session, session.Sql.Table("commits"),
        $"the index of commit ids knows {attempt.CommitId}, but its row is missing.");

    private KnownHead FindHead(StreamId stream)
    {
        if (heads.TryGetValue(stream, out var known)) return known;
        var name = SqliteChecksum.Of(stream);
        return heads[stream] = new(SqliteHeads.Find(session, stream, name), name);
    }

    private bool TryInsert(CommitRecord commit, long number, SqliteChecksum name, IReadOnlyList<EventRecord> events, int tags)
    {
        var encoded = encoder.Write(events);
        Span<byte> id = stackalloc byte[16];
        commit.CommitId.TryWriteBytes(id, bigEndian: true, out _);
        var isUnit = commit.Unit.Size > 1;
        var row = session.Prepare(isUnit || tags > 0 ? "insert-marked-commit" : "insert-commit")
            .Bind(1, commit.FirstCheckpoint.Value).Bind(2, number).Bind(3, commit.FirstRevision.Value).Bind(4, commit.Sequence.Value)
            .Bind(5, commit.EventCount)
            .Bind(6, SqliteStamps.ToMicroseconds(commit.Stamp)).Bind(7, id)
            .Bind(8, SqliteRows.Sum(name, commit, removed: 0, tags, encoded).Value)
            .Bind(9, commit.Headers.Span).Bind(10, encoded);
        if (isUnit || tags > 0) row.Bind(11, isUnit ? commit.Unit.FirstCheckpoint.Value : 0).Bind(12, isUnit ? commit.Unit.Size : 0)
            .Bind(13, tags);
        return row.Execute() == 1;
    }

    /// <summary>The head of a stream, of which there may be none yet, with the checksum of its name.</summary>
    private readonly record struct KnownHead(StreamHead? Head, SqliteChecksum Sum)
    {
        public long Number => Head?.Incarnation.Value ?? 0;

        public StreamState State => StreamState.Of(Head);
    }
}
