using Dapper;
using Npgsql;

namespace EventStore.Postgres;

/// <summary>Heads of streams, read from their rows.</summary>
internal sealed class PostgresHeads(PostgresConnections connections, PostgresSql sql)
{
    public ValueTask<StreamHead?> FindAsync(StreamId stream, CancellationToken cancellationToken) => connections.AskAsync(
        "find a head",
        async (connection, token) =>
        {
            var values = new { bucket = stream.Bucket, category = stream.Category, id = stream.Id };
            var rows = connection.QueryUnbufferedAsync<HeadRow>(sql.Load("find-head"), values, commandTimeout: connection.CommandTimeout);
            return (await rows.FirstOrDefaultAsync(token).ConfigureAwait(false))?.ToHead();
        },
        cancellationToken);

    public ValueTask<IReadOnlyList<StreamHead>> ListAsync(HeadQuery query, CancellationToken cancellationToken)
    {
        // Before every stream comes the empty name; a bucket is entered at its own.
        var (bucket, category, id) = query.After is { } after ? (after.Bucket, after.Category, after.Id) : ("", "", "");
        if (query.Bucket is not null && StreamId.CompareCodePoints(bucket, query.Bucket) < 0) (bucket, category, id) =
            (query.Bucket, "", "");
        return connections.AskAsync<IReadOnlyList<StreamHead>>(
            "list heads",
            async (connection, token) =>
            {
                var values = new
                {
                    afterBucket = bucket,
                    afterCategory = category,
                    afterId = id,
                    min = query.MinEventsSinceSnapshot,
                    bucket = query.Bucket,
                    limit = query.Limit
                };
                var rows = connection.QueryUnbufferedAsync<HeadRow>(sql.Load("list-heads"), values,
                    commandTimeout: connection.CommandTimeout);
                return await rows.Select(row => row.ToHead()).ToListAsync(token).ConfigureAwait(false);
            },
            cancellationToken);
    }

    /// <summary>The head of a stream within a change; null for no stream.</summary>
    public async Task<StreamHead?> FindAsync(NpgsqlConnection connection, StreamId stream)
    {
        var values = new { bucket = stream.Bucket, category = stream.Category, id = stream.Id };
        var row = await connection.QueryFirstOrDefaultAsync<HeadRow>(
            sql.Load("find-head"), values, commandTimeout: connection.CommandTimeout).ConfigureAwait(false);
        return row?.ToHead();
    }

    internal sealed record HeadRow(
        string Bucket, string Category, string Id, long Revision, long Sequence, long Snapshot_Revision, long Incarnation,
        long First_Revision, bool Sealed)
    {
        public StreamHead ToHead() =>
            new(new StreamId(Bucket, Category, Id), new Revision(Revision), new CommitSequence(Sequence), new Revision(Snapshot_Revision))
            {
                FirstRevision = new Revision(First_Revision),
                IsSealed = Sealed,
                Incarnation = new Checkpoint(Incarnation),
            };
    }
}
