using Dapper;

namespace EventStore.Sqlite;

/// <summary>
/// Named documents. Versions come from one counter of the store, so that none is given twice, whatever is deleted in between.
/// </summary>
internal static class SqliteDocuments
{
    [QueryColumns("name", "version", "crc", "content")]
    public static NamedDocument? Find(SqliteSession session, string name) =>
        session.Connection.QueryFirstOrDefault<Row>(session.Sql["find-document"], new { name },
            commandTimeout: SqliteSession.BusySeconds) is { } row ? Checked(session, row) : null;

    public static long? Put(SqliteSession session, string name, byte[] content, long expectedVersion)
    {
        if (session.Connection.QueryFirstOrDefault<long?>(session.Sql["next-document-version"],
            new { name, expectedVersion }) is not { } version) return null;
        var crc = SqliteChecksum.OfDocument(name, version, content).Value;
        session.Connection.Execute(session.Sql["put-document"], new { name, version, crc, content = (object)content });
        return version;
    }

    public static bool Delete(SqliteSession session, string name, long version) =>
        session.Connection.Execute(session.Sql["delete-document"], new { name, version }) == 1;

    [QueryColumns("name", "version", "crc", "content")]
    public static IReadOnlyList<NamedDocument> List(SqliteSession session, string prefix, string after, int limit) =>
    [
        .. session.Connection.Query<Row>(session.Sql["list-documents"], new { prefix, after, limit }, buffered: false,
        commandTimeout: SqliteSession.BusySeconds)
            .Select(row => Checked(session, row))
            .TakeWhile(document => document.Name.StartsWith(prefix, StringComparison.Ordinal)),
    ];

    /// <summary>Reads every document, in order of names, and reports those that are damaged.</summary>
    [QueryColumns("name", "version", "crc", "content")]
    public static IEnumerable<CorruptStorageException> FindDamages(SqliteSession session)
    {
        foreach (var row in session.Connection.Query<Row>(session.Sql["verify-documents"], buffered: false))
        {
            if (Sound(row) is null) yield return Damaged(session, row);
        }
    }

    private static NamedDocument Checked(SqliteSession session, Row row) => Sound(row) ?? throw Damaged(session, row);

    private static NamedDocument? Sound(Row row)
    {
        if (row is not { Name: { } name, Version: > 0 and var version, Content: { } content }
            || SqliteChecksum.OfDocument(name, version, content).Value != row.Crc)
            return null;
        try
        {
            return new NamedDocument(name, version, content);
        }
        catch (InvalidNameException)
        {
            return null; // its checksum is right, but no document has such a name
        }
    }

    private static CorruptStorageException Damaged(SqliteSession session, Row row) =>
        SqliteErrors.Damage(session, $"{session.Sql.Table("documents")}, document '{row.Name}'",
            "the checksum of the document is wrong, or it was never stored.");

    // No column is NULL, except in a damaged row.
    internal sealed record Row(string? Name, long? Version, long? Crc, byte[]? Content);
}
