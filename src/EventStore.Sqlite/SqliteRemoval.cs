using Dapper;

namespace EventStore.Sqlite;

/// <summary>
/// Removes streams with everything that belongs to them. Checkpoints go on behind the newest commit, so before any commit is removed the
/// floor below which none is given again is raised (G13).
/// </summary>
internal static class SqliteRemoval
{
    // In the order in which they are found by one another: commits by their entries, all of a bucket by its streams.
    private static readonly string[] Tables = ["categories", "commits", "revisions", "gathered", "recent", "snapshots", "streams"];

    public static StreamChange Delete(SqliteSession session, StreamId stream, StreamExpectation expected)
    {
        var head = SqliteHeads.Find(session, stream);
        if (SqliteHeads.Refuse(head, expected) is { } refused) return refused;
        var number = head!.Incarnation.Value;
        RaiseFloor(session, FindNewest(session.Prepare("find-newest-of-stream").Bind(1, number)));
        DeleteTags(session, stream, number);
        foreach (var table in Tables) session.Connection.Execute(session.Sql["delete-" + table], new { stream = number });
        return new StreamChange(StreamChangeKind.Changed, StreamState.Of(head));
    }

    public static void Purge(SqliteSession session, string? bucket)
    {
        RaiseFloor(session, FindNewest(bucket is null
            ? session.Prepare("find-newest-commit")
            : session.Prepare("find-newest-of-bucket").Bind(1, bucket)));
        foreach (var table in (string[])["tags", .. Tables]) session.Connection.Execute(
            session.Sql[bucket is null ? $"purge-{table}" : $"purge-{table}-of-bucket"], new { bucket });
    }

    /// <summary>Seals a stream.</summary>
    public static StreamChange Seal(SqliteSession session, StreamId stream, StreamExpectation expected)
    {
        var head = SqliteHeads.Find(session, stream);
        if (SqliteHeads.Refuse(head, expected) is { } refused) return refused;
        if (head!.IsSealed) return new StreamChange(StreamChangeKind.Unchanged, StreamState.Of(head));
        var changed = head with { IsSealed = true };
        SqliteHeads.Update(session, changed);
        return new StreamChange(StreamChangeKind.Changed, StreamState.Of(changed));
    }

    /// <summary>Raises the floor, because events up to a checkpoint are removed.</summary>
    public static void RaiseFloor(SqliteSession session, long removed)
    {
        session.BeginEra();
        var store = session.ReadStore();
        session.Prepare("raise-floor").Bind(1, store.Newest).Bind(2, store.StampMicroseconds).Bind(3, removed).Execute();
    }

    /// <summary>Removes the entries by which the tags of a commit lead to it, those of its tags that are still in use apart.</summary>
    public static void DeleteTags(SqliteSession session, string bucket, long checkpoint, IEnumerable<string> tags)
    {
        foreach (var tag in tags) session.Prepare("delete-tag").Bind(1, bucket).Bind(2, tag).Bind(3, checkpoint).Execute();
    }

    // The tags of a commit are known only from its events. Where they cannot be read, every entry of the bucket is looked at.
    private static void DeleteTags(SqliteSession session, StreamId stream, long number)
    {
        var name = SqliteChecksum.Of(stream);
        var row = session.Prepare("read-tagged").Bind(1, number);
        try
        {
            while (row.Step())
            {
                var checkpoint = row.Number(SqliteRows.Checkpoint);
                try
                {
                    var events = session.Rows.ReadEvents(row, session.Rows.Commit(row, stream), name, out _);
                    DeleteTags(session, stream.Bucket, checkpoint, SqliteRows.TagsOf(events[(int)row.Number(SqliteRows.Removed)..]));
                }
                catch (CorruptStorageException)
                {
                    session.Prepare("delete-tags-of-commit").Bind(1, stream.Bucket).Bind(2, checkpoint).Execute();
                }
            }
        }
        finally
        {
            row.Reset();
            session.Rows.Forget();
        }
    }

    private static long FindNewest(SqliteStatement row)
    {
        try
        {
            return row.Step() ? row.Number(0) : 0;
        }
        finally
        {
            row.Reset();
        }
    }
}
