using System.Data;
using Dapper;
using Npgsql;

namespace EventStore.Postgres;

/// <summary>
/// Heads, snapshots, documents and deletion: small statements whose rows are mapped by name. Each call of Dapper is turned into code at build
/// time, which asks for three things: a time limit at every call, since none would mean no limit; reads as streams of rows, which can be canceled; and
/// bytes given as an object, since an array would become a list of parameters.
/// </summary>
internal sealed class PostgresState(PostgresConnections connections, PostgresSql sql)
{
    private const int None = 0; // no time limit: the statement may take as long as the store is large

    // In this order. The last one counts the streams.
    private static readonly string[] Removing = ["lock-streams", "delete-snapshots", "delete-events", "delete-streams"];

    private readonly string sequence = sql.QuotedSchema + ".document_versions";

    public ValueTask<StreamHead?> FindHeadAsync(StreamId stream, CancellationToken cancellationToken) => connections.AskAsync(
        "find a head",
        async (connection, token) =>
        {
            var values = new { bucket = stream.Bucket, category = stream.Category, id = stream.Id };
            var rows = connection.QueryUnbufferedAsync<HeadRow>(sql.Load("find-head"), values, commandTimeout: connection.CommandTimeout);
            return (await rows.FirstOrDefaultAsync(token).ConfigureAwait(false))?.ToHead();
        },
        cancellationToken);

    public ValueTask<IReadOnlyList<StreamHead>> ListHeadsAsync(HeadQuery query, CancellationToken cancellationToken)
    {
        // Before every stream comes the empty name; a bucket is entered at its own.
        var (bucket, category, id) = query.After is { } after ? (after.Bucket, after.Category, after.Id) : ("", "", "");
        if (query.Bucket is not null && StreamId.CompareCodePoints(bucket, query.Bucket) < 0) (bucket, category, id) = (query.Bucket, "", "");
        return connections.AskAsync<IReadOnlyList<StreamHead>>(
            "list heads",
            async (connection, token) =>
            {
                var values = new { afterBucket = bucket, afterCategory = category, afterId = id, min = query.MinEventsSinceSnapshot, bucket = query.Bucket, limit = query.Limit };
                var rows = connection.QueryUnbufferedAsync<HeadRow>(sql.Load("list-heads"), values, commandTimeout: connection.CommandTimeout);
                return await rows.Select(row => row.ToHead()).ToListAsync(token).ConfigureAwait(false);
            },
            cancellationToken);
    }

    public ValueTask<bool> SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken) => connections.ChangeAsync("save a snapshot", async connection =>
    {
        var (stream, revision) = await LockAsync(connection, snapshot.Stream).ConfigureAwait(false);
        if (snapshot.Revision.Value > revision) throw new SnapshotRefusedException(snapshot.Stream, snapshot.Revision, revision);
        var values = new { stream, revision = snapshot.Revision.Value, schemaVersion = snapshot.SchemaVersion, stateType = snapshot.StateType, payload = (object)snapshot.Payload.ToArray() };
        await connection.ExecuteAsync(sql.Load("save-snapshot"), values, commandTimeout: connection.CommandTimeout).ConfigureAwait(false);
        await connection.ExecuteAsync(sql.Load("follow-snapshots"), new { stream }, commandTimeout: connection.CommandTimeout).ConfigureAwait(false);
        return true;
    }, cancellationToken);

    public ValueTask<SnapshotRecord?> FindSnapshotAsync(StreamId stream, Revision atMost, CancellationToken cancellationToken) => connections.AskAsync(
        "find a snapshot",
        async (connection, token) =>
        {
            var values = new { bucket = stream.Bucket, category = stream.Category, id = stream.Id, atMost = atMost.Value };
            var rows = connection.QueryUnbufferedAsync<SnapshotRow>(sql.Load("find-snapshot"), values, commandTimeout: connection.CommandTimeout);
            var row = await rows.FirstOrDefaultAsync(token).ConfigureAwait(false);
            return row is null ? null : new SnapshotRecord(stream, row.Revision, row.SchemaVersion, row.StateType, row.Payload);
        },
        cancellationToken);

    public ValueTask<bool> PruneSnapshotsAsync(StreamId name, int keep, CancellationToken cancellationToken) => connections.ChangeAsync("prune snapshots", async connection =>
    {
        var (stream, _) = await LockAsync(connection, name).ConfigureAwait(false);
        if (stream == 0) return false;
        await connection.ExecuteAsync(sql.Load("prune-snapshots"), new { stream, keep }, commandTimeout: connection.CommandTimeout).ConfigureAwait(false);
        await connection.ExecuteAsync(sql.Load("follow-snapshots"), new { stream }, commandTimeout: connection.CommandTimeout).ConfigureAwait(false);
        return true;
    }, cancellationToken);

    public ValueTask<NamedDocument?> FindDocumentAsync(string name, CancellationToken cancellationToken) => connections.AskAsync(
        "find a document",
        async (connection, token) =>
        {
            var rows = connection.QueryUnbufferedAsync<DocumentRow>(sql.Load("find-document"), new { name }, commandTimeout: connection.CommandTimeout);
            return (await rows.FirstOrDefaultAsync(token).ConfigureAwait(false))?.ToDocument();
        },
        cancellationToken);

    public ValueTask<long?> PutDocumentAsync(string name, ReadOnlyMemory<byte> content, long expected, CancellationToken cancellationToken) => connections.ChangeAsync(
        "write a document",
        connection => connection.QueryFirstOrDefaultAsync<long?>(
            sql.Load(expected == 0 ? "insert-document" : "update-document"), new { name, content = (object)content.ToArray(), expected, sequence }, commandTimeout: connection.CommandTimeout),
        cancellationToken);

    public ValueTask<bool> DeleteDocumentAsync(string name, long expected, CancellationToken cancellationToken) => connections.ChangeAsync(
        "delete a document",
        async connection => await connection.ExecuteAsync(sql.Load("delete-document"), new { name, expected }, commandTimeout: connection.CommandTimeout).ConfigureAwait(false) == 1,
        cancellationToken);

    public ValueTask<IReadOnlyList<NamedDocument>> ListDocumentsAsync(string prefix, string after, int limit, CancellationToken cancellationToken) => connections.AskAsync<IReadOnlyList<NamedDocument>>(
        "list documents",
        async (connection, token) =>
        {
            var rows = connection.QueryUnbufferedAsync<DocumentRow>(sql.Load("list-documents"), new { prefix, after, limit }, commandTimeout: connection.CommandTimeout);
            return await rows.Select(row => row.ToDocument()).ToListAsync(token).ConfigureAwait(false);
        },
        cancellationToken);

    /// <summary>Deletes one stream with all that belongs to it; answers whether there was one.</summary>
    public ValueTask<bool> DeleteAsync(StreamId stream, CancellationToken cancellationToken) =>
        DeleteAsync("s.bucket = @bucket AND s.category = @category AND s.id = @id", stream.Bucket, stream.Category, stream.Id, cancellationToken);

    /// <summary>Deletes the streams of a bucket, or all of them, with all that belongs to them.</summary>
    public ValueTask<bool> PurgeAsync(string? bucket, CancellationToken cancellationToken) =>
        DeleteAsync(bucket is null ? "true" : "s.bucket = @bucket", bucket, null, null, cancellationToken);

    /// <summary>Checks everything in one snapshot of the database.</summary>
    public ValueTask<VerificationReport> VerifyAsync(IProgress<VerificationProgress>? progress, CancellationToken cancellationToken) => connections.AskAsync("verify the store", async (connection, token) =>
    {
        var transaction = connections.IsInside ? null : await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, token).ConfigureAwait(false);
        await using var transactionEnding = ((IAsyncDisposable?)transaction ?? NothingToEnd.Instance).ConfigureAwait(false);
        var (commits, events) = await connection.QueryUnbufferedAsync<CountRow>(sql.Load("count-all"), commandTimeout: None).FirstAsync(token).ConfigureAwait(false);
        progress?.Report(new VerificationProgress(0, events));
        var damages = await connection.QueryUnbufferedAsync<DamageRow>(sql.Load("find-damages"), commandTimeout: None)
            .Select(damage => new Damage($"{sql.QuotedSchema}, {damage.Place}", damage.Problem, "Restore the database from a backup made before, and find out who wrote to its tables."))
            .ToListAsync(token).ConfigureAwait(false);
        progress?.Report(new VerificationProgress(events, events));
        return new VerificationReport(commits, events, damages);
    }, cancellationToken);

    // Inside the section, so that nobody decides on what is being deleted; the changed version of the store makes other writers forget what they remember.
    // The streams are locked before anything of theirs goes: a snapshot that is being saved is waited for and goes, too, and none comes afterwards.
    private ValueTask<bool> DeleteAsync(string which, string? bucket, string? category, string? id, CancellationToken cancellationToken) => connections.ChangeAsync("delete streams", async connection =>
    {
        await connection.ExecuteAsync(sql.Load("lock-store"), commandTimeout: connection.CommandTimeout).ConfigureAwait(false);
        var deleted = 0;
        foreach (var statement in Removing)
            deleted = await connection.ExecuteAsync(sql.Load(statement, ("which", which)), new { bucket, category, id }, commandTimeout: None).ConfigureAwait(false);
        if (deleted > 0) await connection.ExecuteAsync(sql.Load("change-store"), new { version = StoreRow.NewVersion() }, commandTimeout: connection.CommandTimeout).ConfigureAwait(false);
        return deleted > 0;
    }, cancellationToken);

    // The stream's row stays locked until the transaction ends. No stream has key 0.
    private async Task<LockedRow> LockAsync(NpgsqlConnection connection, StreamId stream)
    {
        var values = new { bucket = stream.Bucket, category = stream.Category, id = stream.Id };
        return await connection.QueryFirstOrDefaultAsync<LockedRow>(sql.Load("lock-stream"), values, commandTimeout: connection.CommandTimeout).ConfigureAwait(false) ?? new LockedRow(0, 0);
    }

    internal sealed record LockedRow(long Stream, long Revision);

    internal sealed record CountRow(long Commits, long Events);

    internal sealed record DamageRow(string Place, string Problem);

    internal sealed record HeadRow(string Bucket, string Category, string Id, long Revision, long Sequence, long Snapshot_Revision)
    {
        public StreamHead ToHead() => new(new StreamId(Bucket, Category, Id), Revision, Sequence, Snapshot_Revision);
    }

    internal sealed record SnapshotRow(long Revision, int SchemaVersion, string StateType, byte[] Payload);

    internal sealed record DocumentRow(string Name, long Version, byte[] Content)
    {
        public NamedDocument ToDocument() => new(Name, Version, Content);
    }

    // Inside a transaction of the application there is none of ours to end.
    private sealed class NothingToEnd : IAsyncDisposable
    {
        public static NothingToEnd Instance { get; } = new();

        public ValueTask DisposeAsync() => default;
    }
}
