using Dapper;

namespace EventStore.Sqlite;

/// <summary>Named documents. Versions come from one counter of the store, so that none is given twice, whatever is deleted in between.</summary>
internal static class SqliteDocuments
{
    public static NamedDocument? Find(SqliteSession session, string name) =>
        session.Connection.QueryFirstOrDefault<Row>(session.Sql["find-document"], new { name }) is { } row ? Checked(session, row) : null;

    public static long? Put(SqliteSession session, string name, byte[] content, long expectedVersion)
    {
        var stored = session.Connection.QueryFirstOrDefault<long>(session.Sql["find-document-version"], new { name });
        if (stored != expectedVersion) return null;
        var version = session.Connection.QueryFirst<long>(session.Sql["next-document-version"]);
        var crc = SqliteChecksum.OfDocument(name, version, content).Value;
        session.Connection.Execute(session.Sql["put-document"], new { name, version, crc, content });
        return version;
    }

    public static bool Delete(SqliteSession session, string name, long version) =>
        session.Connection.Execute(session.Sql["delete-document"], new { name, version }) == 1;

    public static IReadOnlyList<NamedDocument> List(SqliteSession session, string prefix, string after, int limit) =>
    [
        .. session.Connection.Query<Row>(session.Sql["list-documents"], new { prefix, after, limit }, buffered: false)
            .TakeWhile(row => row.Name.StartsWith(prefix, StringComparison.Ordinal))
            .Select(row => Checked(session, row)),
    ];

    /// <summary>Reads every document, in order of names, and tells those that are damaged.</summary>
    public static IEnumerable<CorruptStorageException> FindDamages(SqliteSession session)
    {
        foreach (var row in session.Connection.Query<Row>(session.Sql["verify-documents"], buffered: false))
        {
            if (!IsSound(row)) yield return Damaged(session, row);
        }
    }

    private static NamedDocument Checked(SqliteSession session, Row row) => IsSound(row) ? new NamedDocument(row.Name, row.Version, row.Content) : throw Damaged(session, row);

    private static bool IsSound(Row row) => SqliteChecksum.OfDocument(row.Name, row.Version, row.Content).Value == row.Crc;

    private static CorruptStorageException Damaged(SqliteSession session, Row row) =>
        SqliteErrors.Damage(session, $"{session.Sql.Table("documents")}, document '{row.Name}'", "the checksum of the document is wrong.");

    private sealed record Row(string Name, long Version, long Crc, byte[] Content);
}
