using Dapper;

namespace EventStore.Sqlite;

/// <summary>Removes streams with everything that belongs to them. The counters of the store stay, so no checkpoint is given again.</summary>
internal static class SqliteRemoval
{
    // The streams go last: the others are found by them.
    private static readonly string[] Tables = ["commits", "snapshots", "streams"];

    public static bool Delete(SqliteSession session, StreamId stream)
    {
        var head = SqliteHeads.Find(session, stream);
        if (!head.Exists) return false;
        foreach (var file in (string[])["delete-commits", "delete-snapshots", "delete-stream"]) session.Connection.Execute(session.Sql[file], new { stream = head.Number });
        return true;
    }

    public static void Purge(SqliteSession session, string? bucket)
    {
        foreach (var table in Tables) session.Connection.Execute(session.Sql[bucket is null ? $"purge-{table}" : $"purge-{table}-of-bucket"], new { bucket });
    }
}
