namespace EventStore.Sqlite;

/// <summary>Reads pages of commits by key, within a transaction, so that head and events are of one moment.</summary>
internal sealed class SqliteReader(SqliteSession session)
{
    private const int MaxSearchesPerPage = 16_384;

    // The entries of newer commits are in tables of their own.
    private static readonly string[] Forward = ["read-revisions-forward", "read-gathered-forward", "read-recent-forward"];
    private static readonly string[] Backward = ["read-recent-backward", "read-gathered-backward", "read-revisions-backward"];

    /// <summary>The commit that a stream holds under an id; null for none.</summary>
    public CommitRecord? FindCommit(StreamId stream, Guid commitId)
    {
        var name = SqliteChecksum.Of(stream);
        return SqliteHeads.Find(session, stream, name) is { } head
            ? FindCommit(new StoredStream(head.Incarnation.Value, stream, name), commitId)
            : null;
    }

    /// <summary>The same for a stream whose number is known; 0 is the number of none.</summary>
    public CommitRecord? FindCommit(StoredStream stream, Guid commitId)
    {
        Span<byte> id = stackalloc byte[16];
        commitId.TryWriteBytes(id, bigEndian: true, out _);
        var row = session.Prepare("find-commit").Bind(1, id).Bind(2, stream.Number);
        try
        {
            if (!row.Step()) return null;
            session.Rows.ReadEvents(row, session.Rows.Commit(row, stream.Name), stream.Sum, out var found);
            return found;
        }
        finally
        {
            row.Reset();
            session.Rows.Forget();
        }
    }

    public StreamPage ReadStream(StreamRead read)
    {
        session.NewestCheckpoint(); // refuses a database that was set back
        var head = SqliteHeads.Find(session, read.Stream);
        var state = StreamState.Of(head);
        long low = Math.Max(read.From.Value, state.FirstRevision.Value), high = Math.Min(read.To.Value, state.Revision.Value);
        if (low > high) return new StreamPage(default, state, IsEnd: true);

        var forward = read.Direction == ReadDirection.Forward;
        var next = forward ? low : high;
        var page = new PageBuilder(read.Limit);
        foreach (var file in forward ? Forward : Backward)
        {
            var row = session.Prepare(file).Bind(1, state.Incarnation.Value).Bind(2, low).Bind(3, high);
            if (!TryReadStream(row, read.Stream, low, high, forward ? 1 : -1, ref next, page)) return new StreamPage(page.Events,
                state, IsEnd: false);
        }

        if (next >= low && next <= high) throw Missing(read.Stream, next);
        return new StreamPage(page.Events, state, IsEnd: true);
    }

    // Returns whether all the commits found by one table fitted on the page.
    private bool TryReadStream(SqliteStatement row, StreamId stream, long low, long high, int step, ref long next, PageBuilder page)
    {
        var name = SqliteChecksum.Of(stream);
        try
        {
            while (next >= low && next <= high && row.Step())
            {
                // The lowest commit of the range may end before it: it is the one that begins before it.
                var commit = session.Rows.Commit(row, stream);
                if (commit.LastRevision.Value < low) continue;
                if (next < commit.FirstRevision.Value || next > commit.LastRevision.Value) throw Missing(stream, next);
                var events = session.Rows.ReadEvents(row, commit, name, out _);
                if (Math.Max(low, commit.FirstRevision.Value) - commit.FirstRevision.Value < row.Number(SqliteRows.Removed))
                    throw Missing(stream, Math.Max(low, commit.FirstRevision.Value));
                for (; next >= Math.Max(low, commit.FirstRevision.Value) && next <= Math.Min(high, commit.LastRevision.Value); next += step)
                {
                    if (!page.TryAdd(events[(int)(next - commit.FirstRevision.Value)])) return false;
                }
            }

            return true;
        }
        finally
        {
            row.Reset();
            session.Rows.Forget();
        }
    }

    public StorePage ReadAll(StoreRead read)
    {
        var page = new SqliteStorePage(session, read, session.ReadStore().Newest);
        if (page.Low > page.High) return page.End();
        return IndexedTerms(read.Filter) is { } criteria ? ReadCandidates(page, criteria) : ReadRange(page);
    }

    /// <summary>The first event after the checkpoint of a condition that matches it; the origin for none.</summary>
    public Checkpoint FindFirstMatch(AppendCondition condition)
    {
        var after = condition.After.Value;
        if (after == long.MaxValue) return Checkpoint.Origin;
        var candidates = new SqliteCandidates(session, condition.Criteria, forward: true, int.MaxValue);
        for (var next = FindCommitAt(after + 1); candidates.Seek(next) is var found && found != candidates.None; next = found + 1)
        {
            if (FindMatch(found, after, condition.Criteria) is var match && match != Checkpoint.Origin) return match;
        }

        return Checkpoint.Origin;
    }

    // What indexes know of a filter; null where they do not narrow it.
    private static EventCriteria? IndexedTerms(EventFilter filter)
    {
        if (filter.Criteria is { } criteria && criteria.Any.All(criterion => criterion.IsIndexed)) return criteria;
        return filter is { Bucket: { } bucket, Category: { } category }
            ? new EventCriteria(new EventCriterion { Bucket = bucket, Category = category })
            : null;
    }

    private StorePage ReadRange(SqliteStorePage page)
    {
        var row = session.Prepare(page.IsForward ? "read-all-forward" : "read-all-backward").Bind(1, page.Low).Bind(2, page.High);
        try
        {
            while (row.Step())
            {
                if (!page.TryAdd(row)) return page.Part();
            }

            return page.End();
        }
        finally
        {
            row.Reset();
            session.Rows.Forget();
        }
    }

    private StorePage ReadCandidates(SqliteStorePage page, EventCriteria criteria)
    {
        var candidates = new SqliteCandidates(session, criteria, page.IsForward, MaxSearchesPerPage);
        var lowest = FindCommitAt(page.Low);
        for (var next = page.IsForward ? lowest : page.High; ; next += page.IsForward ? 1 : -1)
        {
            next = candidates.Seek(next);
            if (next == candidates.None || next < lowest || next > page.High) return page.End();
            if (!TryAdd(page, next) || candidates.IsSpent) return page.Part();
        }
    }

    private bool TryAdd(SqliteStorePage page, long checkpoint)
    {
        var row = FindEntry(checkpoint);
        try
        {
            return page.TryAdd(row);
        }
        finally
        {
            row.Reset();
            session.Rows.Forget();
        }
    }

    private Checkpoint FindMatch(long checkpoint, long after, EventCriteria criteria)
    {
        var row = FindEntry(checkpoint);
        try
        {
            var stream = session.Rows.StreamOf(row.Number(SqliteRows.Stream));
            var events = session.Rows.ReadEvents(row, session.Rows.Commit(row, stream.Name), stream.Sum, out _);
            for (var i = (int)Math.Max(row.Number(SqliteRows.Removed), after - checkpoint + 1); i < events.Length; i++)
            {
                if (criteria.Matches(events[i])) return events[i].Checkpoint;
            }

            return Checkpoint.Origin;
        }
        finally
        {
            row.Reset();
            session.Rows.Forget();
        }
    }

    private SqliteStatement FindEntry(long checkpoint)
    {
        var row = session.Prepare("read-commit").Bind(1, checkpoint);
        if (row.Step()) return row;
        row.Reset();
        throw SqliteErrors.Damage(session, $"{session.Sql.Table("commits")}, checkpoint {checkpoint}",
            "the commit is missing, though an entry of its category or of a tag leads to it.");
    }

    // The commit that holds a checkpoint, or the one before it; 0 for none.
    private long FindCommitAt(long checkpoint)
    {
        var row = session.Prepare("find-commit-at").Bind(1, checkpoint);
        try
        {
            return row.Step() ? row.Number(0) : 0;
        }
        finally
        {
            row.Reset();
        }
    }

    private CorruptStorageException Missing(StreamId stream, long revision) =>
        SqliteErrors.Damage(session, $"{session.Sql.Table("commits")}, stream '{stream}'", $"revision {revision} is missing.");
}
