namespace EventStore.Sqlite;

/// <summary>A page of the store while commits are added to it in order.</summary>
internal sealed class SqliteStorePage
{
    private const int MaxCommitsPerPage = 16_384;
    private readonly SqliteSession session;
    private readonly StoreRead read;
    private readonly PageBuilder page;
    private readonly long head;
    private long position;
    private int examined;

    public SqliteStorePage(SqliteSession session, StoreRead read, long head)
    {
        (this.session, this.read, this.head) = (session, read, head);
        page = new PageBuilder(read.Limit);
        IsForward = read.Direction == ReadDirection.Forward;
        (Low, High) = (read.After.Value == long.MaxValue ? long.MaxValue : read.After.Value + 1, Math.Min(read.UpTo.Value, head));
        position = IsForward ? read.After.Value : read.UpTo.Value;
    }

    public bool IsForward { get; }

    /// <summary>The first checkpoint of the range.</summary>
    public long Low { get; }

    /// <summary>The last one that there is.</summary>
    public long High { get; }

    /// <summary>Adds the matching events of a commit. False once the page has to end before all of them are added.</summary>
    public bool TryAdd(SqliteStatement row)
    {
        // The lowest commit of the range may end before it: it is the one that begins before it.
        long first = row.Number(SqliteRows.Checkpoint), from = Math.Max(first, Low),
            to = Math.Min(first + Math.Clamp(row.Number(SqliteRows.EventCount), 0, int.MaxValue) - 1, High);
        if (to < from) return true;
        if (examined++ == MaxCommitsPerPage) return false;

        var stream = session.Rows.StreamOf(row.Number(SqliteRows.Stream));
        var commit = session.Rows.Commit(row, stream.Name);
        if (read.Filter.MatchesCommit(commit))
        {
            var events = session.Rows.ReadEvents(row, commit, stream.Sum, out _);
            var kept = Math.Max(from, first + row.Number(SqliteRows.Removed));
            for (var next = IsForward ? kept : to; next >= kept && next <= to; next += IsForward ? 1 : -1)
            {
                if (!TryAdd(events[(int)(next - first)])) return false;
                position = next;
            }
        }

        position = IsForward ? to : from;
        return true;
    }

    /// <summary>The page, where more may follow.</summary>
    public StorePage Part() => new(page.Events, new Checkpoint(position), new Checkpoint(head), IsEnd: false);

    /// <summary>The page, where the range has no further events.</summary>
    public StorePage End() =>
        new(page.Events, new Checkpoint(IsForward ? Math.Max(High, position) : position), new Checkpoint(head), IsEnd: true);

    private bool TryAdd(RecordedEvent recorded) =>
        (read.Filter.EventTypes is { } types && !types.Contains(recorded.Record.EventType))
        || (read.Filter.Criteria is { } criteria && !criteria.Matches(recorded))
        || page.TryAdd(recorded);
}
