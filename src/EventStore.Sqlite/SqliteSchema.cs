using System.Text.RegularExpressions;
using Dapper;

namespace EventStore.Sqlite;

/// <summary>
/// The tables of a store: made in one transaction, so that no process ever finds half of them, and compared with what is expected.
/// </summary>
internal static partial class SqliteSchema
{
    private const long Version = 4; // 1 had no table of gathered entries, 2 no strict tables, 3 no tags
    private static readonly string[] Tables =
        ["store", "streams", "commits", "revisions", "gathered", "recent", "categories", "tags", "snapshots", "documents"];

    /// <summary>Whether the store's tables are there, as this version knows them.</summary>
    /// <exception cref="StorageException">They are of another version, or not as they were made.</exception>
    public static bool IsThere(SqliteSession session, SqliteLocation location)
    {
        if (session.Pragma("encoding") is not "UTF-8" and var encoding)
            throw new StorageException(
                $"The database '{location.Path}' keeps texts in {encoding}, in which names would be out of order. "
                    + "Store in a database of its own, which will be in UTF-8.");

        Row[] rows = [.. session.Connection.Query<Row>(session.Sql["find-schema"])];
        if (Array.Find(rows, row => row.Type != "table") is { } added)
            throw Unlike(location, $"The {Names.Printable(added.Type)} '{Names.Printable(added.Name)}' does not belong to the store");
        var found = rows.ToDictionary(row => row.Name, row => row.Sql);
        if (found.Count == 0) return false;

        if (found.ContainsKey(session.Sql.Table("store")))
        {
            var version = session.Connection.QueryFirstOrDefault<long>(session.Sql["find-schema-version"]);
            if (version != Version)
                throw new StorageException(
                    $"The store '{session.Sql.Table("store")}' in '{location.Path}' has schema version {version}, but this version of "
                        + $"EventStore.Sqlite knows only {Version}. Use the version that wrote it, or a newer one. Nothing was changed.");
        }

        foreach (var table in Tables)
        {
            var name = session.Sql.Table(table);
            if (!found.TryGetValue(name, out var sql)) throw Unlike(location, $"The table '{name}' is missing");
            if (Bare(sql) != Bare(session.Sql["create-" + table])) throw Unlike(location,
                $"The table '{name}' has other columns or indexes than it was made with");
        }

        return true;
    }

    public static void Create(SqliteSession session)
    {
        foreach (var table in Tables) session.Connection.Execute(session.Sql["create-" + table]);
        session.Connection.Execute(session.Sql["insert-store"], new { version = Version });
    }

    private static StorageException Unlike(SqliteLocation location, string what) =>
        new($"{what} in '{location.Path}'. Something else than EventStore.Sqlite changed the schema: "
            + $"restore the database from a backup, or choose another {nameof(SqliteOptions)}.{nameof(SqliteOptions.Name)}. "
            + "Nothing was changed.");

    // Comments and line breaks may differ between versions that make the same table.
    private static string Bare(string sql) => Whitespace().Replace(Comment().Replace(sql, ""), " ").Trim();

    [GeneratedRegex("--[^\n]*", RegexOptions.CultureInvariant)]
    private static partial Regex Comment();

    [GeneratedRegex("\\s+", RegexOptions.CultureInvariant)]
    private static partial Regex Whitespace();

    internal sealed record Row(string Name, string Sql, string Type);
}
