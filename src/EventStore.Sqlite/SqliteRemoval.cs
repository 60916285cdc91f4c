using Dapper;

namespace EventStore.Sqlite;

/// <summary>
/// Removes streams with everything that belongs to them. Checkpoints go on behind the newest commit, so before any commit is removed the
/// floor below which none is given again is raised (G13).
/// </summary>
internal static class SqliteRemoval
{
    // In the order in which they are found by one another: commits by their entries, all of a bucket by its streams.
    private static readonly string[] Tables = ["commits", "revisions", "gathered", "recent", "snapshots", "streams"];

    public static bool Delete(SqliteSession session, StreamId stream)
    {
        var head = SqliteHeads.Find(session, stream);
        if (!head.Exists) return false;
        RaiseFloor(session);
        foreach (var table in Tables) session.Connection.Execute(session.Sql["delete-" + table], new { stream = head.Number });
        return true;
    }

    public static void Purge(SqliteSession session, string? bucket)
    {
        RaiseFloor(session);
        foreach (var table in Tables) session.Connection.Execute(
            session.Sql[bucket is null ? $"purge-{table}" : $"purge-{table}-of-bucket"], new { bucket });
    }

    private static void RaiseFloor(SqliteSession session)
    {
        session.BeginEra();
        var (checkpoint, stamp, _, _) = session.ReadStore();
        session.Prepare("raise-floor").Bind(1, checkpoint).Bind(2, stamp).Execute();
    }
}
