using Dapper;

namespace EventStore.Postgres;

/// <summary>Named documents, each changed only at its expected version. Versions come from one sequence, so none is used twice.</summary>
internal sealed class PostgresDocuments(PostgresConnections connections, PostgresSql sql)
{
    private readonly string sequence = sql.QuotedSchema + ".document_versions";

    public ValueTask<NamedDocument?> FindAsync(string name, CancellationToken cancellationToken) => connections.AskAsync(
        "find a document",
        async (connection, token) =>
        {
            var rows = connection.QueryUnbufferedAsync<DocumentRow>(sql.Load("find-document"), new { name },
                commandTimeout: connection.CommandTimeout);
            return (await rows.FirstOrDefaultAsync(token).ConfigureAwait(false))?.ToDocument();
        },
        cancellationToken);

    public ValueTask<long?> PutAsync(string name, ReadOnlyMemory<byte> content, long expected, CancellationToken cancellationToken) =>
        connections.ChangeAsync(
        "write a document",
        connection => connection.QueryFirstOrDefaultAsync<long?>(
            sql.Load(expected == 0 ? "insert-document" : "update-document"),
            new { name, content = (object)content.ToArray(), expected, sequence }, commandTimeout: connection.CommandTimeout),
        cancellationToken);

    public ValueTask<bool> DeleteAsync(string name, long expected, CancellationToken cancellationToken) => connections.ChangeAsync(
        "delete a document",
        async connection => await connection.ExecuteAsync(sql.Load("delete-document"), new { name, expected },
            commandTimeout: connection.CommandTimeout).ConfigureAwait(false) == 1,
        cancellationToken);

    public ValueTask<IReadOnlyList<NamedDocument>> ListAsync(string prefix, string after, int limit,
        CancellationToken cancellationToken) => connections.AskAsync<IReadOnlyList<NamedDocument>>(
        "list documents",
        async (connection, token) =>
        {
            var rows = connection.QueryUnbufferedAsync<DocumentRow>(sql.Load("list-documents"), new { prefix, after, limit },
                commandTimeout: connection.CommandTimeout);
            return await rows.Select(row => row.ToDocument()).ToListAsync(token).ConfigureAwait(false);
        },
        cancellationToken);

    internal sealed record DocumentRow(string Name, long Version, byte[] Content)
    {
        public NamedDocument ToDocument() => new(Name, Version, Content);
    }
}
