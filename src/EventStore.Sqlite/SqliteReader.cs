namespace EventStore.Sqlite;

/// <summary>Reads pages of commits by key, within a transaction, so that head and events are of one moment.</summary>
internal sealed class SqliteReader(SqliteSession session)
{
    private const int MaxCommitsPerPage = 16_384;

    // The entries of newer commits are in tables of their own.
    private static readonly string[] Forward = ["read-revisions-forward", "read-gathered-forward", "read-recent-forward"];
    private static readonly string[] Backward = ["read-recent-backward", "read-gathered-backward", "read-revisions-backward"];

    /// <summary>The commit that a stream holds under an id; null for none.</summary>
    public CommitRecord? FindCommit(StreamId stream, Guid commitId)
    {
        var head = SqliteHeads.Find(session, stream);
        return head.Exists ? FindCommit(new StoredStream(head.Number, stream, SqliteChecksum.Of(stream)), commitId) : null;
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
        long low = read.From.Value, high = Math.Min(read.To.Value, head.Revision.Value);
        if (low > high) return new StreamPage(default, head.Revision, IsEnd: true);

        var forward = read.Direction == ReadDirection.Forward;
        var next = forward ? low : high;
        var page = new PageBuilder(read.Limit);
        foreach (var file in forward ? Forward : Backward)
        {
            var row = session.Prepare(file).Bind(1, head.Number).Bind(2, low).Bind(3, high);
            if (!TryReadStream(row, read.Stream, low, high, forward ? 1 : -1, ref next, page)) return new StreamPage(page.Events,
                head.Revision, IsEnd: false);
        }

        if (next >= low && next <= high) throw Missing(read.Stream, next);
        return new StreamPage(page.Events, head.Revision, IsEnd: true);
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
        var head = session.ReadStore().Checkpoint;
        var forward = read.Direction == ReadDirection.Forward;
        long low = read.After.Value + 1, high = Math.Min(read.UpTo.Value, head);
        var position = forward ? read.After.Value : read.UpTo.Value;
        if (read.After.Value >= high) return new StorePage(default, new Checkpoint(position), new Checkpoint(head), IsEnd: true);

        var page = new PageBuilder(read.Limit);
        var row = session.Prepare(forward ? "read-all-forward" : "read-all-backward").Bind(1, low).Bind(2, high);
        try
        {
            for (var examined = 0; row.Step();)
            {
                // The lowest commit of the range may end before it: it is the one that begins before it.
                long first = row.Number(SqliteRows.Checkpoint), from = Math.Max(first, low),
                    to = Math.Min(first + row.Number(SqliteRows.EventCount) - 1, high);
                if (to < from) continue;
                if (examined++ == MaxCommitsPerPage) return new StorePage(page.Events, new Checkpoint(position), new Checkpoint(head),
                    IsEnd: false);

                var stream = session.Rows.StreamOf(row.Number(SqliteRows.Stream));
                var commit = session.Rows.Commit(row, stream.Name);
                if (read.Filter.MatchesCommit(commit))
                {
                    var events = session.Rows.ReadEvents(row, commit, stream.Sum, out _);
                    for (var next = forward ? from : to; next >= from && next <= to; next += forward ? 1 : -1)
                    {
                        if (!TryAdd(page, events[(int)(next - first)], read.Filter)) return new StorePage(page.Events,
                            new Checkpoint(position), new Checkpoint(head), IsEnd: false);
                        position = next;
                    }
                }

                position = forward ? to : from;
            }

            return new StorePage(page.Events, new Checkpoint(forward ? high : position), new Checkpoint(head), IsEnd: true);
        }
        finally
        {
            row.Reset();
            session.Rows.Forget();
        }
    }

    private static bool TryAdd(PageBuilder page, in RecordedEvent recorded, EventFilter filter) =>
        (filter.EventTypes is { } types && !types.Contains(recorded.Record.EventType)) || page.TryAdd(recorded);

    private CorruptStorageException Missing(StreamId stream, long revision) =>
        SqliteErrors.Damage(session, $"{session.Sql.Table("commits")}, stream '{stream}'", $"revision {revision} is missing.");
}
