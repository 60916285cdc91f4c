using System.Data;
using Dapper;
using Npgsql;

namespace EventStore.Postgres;

/// <summary>Heads, snapshots, documents and deletion: small statements whose rows are mapped by name.</summary>
internal sealed class PostgresState(PostgresConnections connections, PostgresSql sql)
{
    private readonly string sequence = sql.QuotedSchema + ".document_versions";

    public ValueTask<StreamHead?> FindHeadAsync(StreamId stream, CancellationToken cancellationToken) => connections.AskAsync(
        "find a head",
        async (connection, token) => (await connection.QueryFirstOrDefaultAsync<HeadRow>(Command("find-head", NameOf(stream), token)).ConfigureAwait(false))?.ToHead(),
        cancellationToken);

    public ValueTask<IReadOnlyList<StreamHead>> ListHeadsAsync(HeadQuery query, CancellationToken cancellationToken)
    {
        // Before every stream comes the empty name; a bucket is entered at its own.
        var (bucket, category, id) = query.After is { } after ? (after.Bucket, after.Category, after.Id) : ("", "", "");
        if (query.Bucket is not null && StreamId.CompareCodePoints(bucket, query.Bucket) < 0) (bucket, category, id) = (query.Bucket, "", "");
        var values = new { afterBucket = bucket, afterCategory = category, afterId = id, min = query.MinEventsSinceSnapshot, bucket = query.Bucket, limit = query.Limit };
        return connections.AskAsync<IReadOnlyList<StreamHead>>(
            "list heads",
            async (connection, token) => [.. (await connection.QueryAsync<HeadRow>(Command("list-heads", values, token)).ConfigureAwait(false)).Select(row => row.ToHead())],
            cancellationToken);
    }

    public ValueTask<bool> SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken) => connections.ChangeAsync("save a snapshot", async connection =>
    {
        var (stream, revision) = await LockAsync(connection, snapshot.Stream).ConfigureAwait(false);
        if (snapshot.Revision.Value > revision) throw new SnapshotRefusedException(snapshot.Stream, snapshot.Revision, revision);
        var values = new { stream, revision = snapshot.Revision.Value, schemaVersion = snapshot.SchemaVersion, stateType = snapshot.StateType, payload = snapshot.Payload.ToArray() };
        await connection.ExecuteAsync(Command("save-snapshot", values)).ConfigureAwait(false);
        await connection.ExecuteAsync(Command("follow-snapshots", new { stream })).ConfigureAwait(false);
        return true;
    }, cancellationToken);

    public ValueTask<SnapshotRecord?> FindSnapshotAsync(StreamId stream, Revision atMost, CancellationToken cancellationToken) => connections.AskAsync(
        "find a snapshot",
        async (connection, token) =>
        {
            var values = new { bucket = stream.Bucket, category = stream.Category, id = stream.Id, atMost = atMost.Value };
            var row = await connection.QueryFirstOrDefaultAsync<SnapshotRow>(Command("find-snapshot", values, token)).ConfigureAwait(false);
            return row is null ? null : new SnapshotRecord(stream, row.Revision, row.SchemaVersion, row.StateType, row.Payload);
        },
        cancellationToken);

    public ValueTask<bool> PruneSnapshotsAsync(StreamId name, int keep, CancellationToken cancellationToken) => connections.ChangeAsync("prune snapshots", async connection =>
    {
        var (stream, _) = await LockAsync(connection, name).ConfigureAwait(false);
        if (stream == 0) return false;
        await connection.ExecuteAsync(Command("prune-snapshots", new { stream, keep })).ConfigureAwait(false);
        await connection.ExecuteAsync(Command("follow-snapshots", new { stream })).ConfigureAwait(false);
        return true;
    }, cancellationToken);

    public ValueTask<NamedDocument?> FindDocumentAsync(string name, CancellationToken cancellationToken) => connections.AskAsync(
        "find a document",
        async (connection, token) => (await connection.QueryFirstOrDefaultAsync<DocumentRow>(Command("find-document", new { name }, token)).ConfigureAwait(false))?.ToDocument(),
        cancellationToken);

    public ValueTask<long?> PutDocumentAsync(string name, ReadOnlyMemory<byte> content, long expected, CancellationToken cancellationToken) => connections.ChangeAsync(
        "write a document",
        connection => connection.QueryFirstOrDefaultAsync<long?>(Command(expected == 0 ? "insert-document" : "update-document", new { name, content = content.ToArray(), expected, sequence })),
        cancellationToken);

    public ValueTask<bool> DeleteDocumentAsync(string name, long expected, CancellationToken cancellationToken) => connections.ChangeAsync(
        "delete a document",
        async connection => await connection.QueryFirstOrDefaultAsync<long?>(Command("delete-document", new { name, expected })).ConfigureAwait(false) is not null,
        cancellationToken);

    public ValueTask<IReadOnlyList<NamedDocument>> ListDocumentsAsync(string prefix, string after, int limit, CancellationToken cancellationToken) => connections.AskAsync<IReadOnlyList<NamedDocument>>(
        "list documents",
        async (connection, token) => [.. (await connection.QueryAsync<DocumentRow>(Command("list-documents", new { prefix, after, limit }, token)).ConfigureAwait(false)).Select(row => row.ToDocument())],
        cancellationToken);

    /// <summary>Deletes one stream with all that belongs to it; answers whether there was one.</summary>
    public ValueTask<bool> DeleteAsync(StreamId stream, CancellationToken cancellationToken) =>
        DeleteAsync("s.bucket = @bucket AND s.category = @category AND s.id = @id", NameOf(stream), cancellationToken);

    /// <summary>Deletes the streams of a bucket, or all of them, with all that belongs to them.</summary>
    public ValueTask<bool> PurgeAsync(string? bucket, CancellationToken cancellationToken) =>
        DeleteAsync(bucket is null ? "true" : "s.bucket = @bucket", new { bucket }, cancellationToken);

    /// <summary>Checks everything in one snapshot of the database.</summary>
    public ValueTask<VerificationReport> VerifyAsync(IProgress<VerificationProgress>? progress, CancellationToken cancellationToken) => connections.AskAsync("verify the store", async (connection, token) =>
    {
        var transaction = connections.IsInside ? null : await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, token).ConfigureAwait(false);
        await using var transactionEnding = ((IAsyncDisposable?)transaction ?? NothingToEnd.Instance).ConfigureAwait(false);
        var (commits, events) = await connection.QuerySingleAsync<(long, long)>(Long("count-all", token)).ConfigureAwait(false);
        progress?.Report(new VerificationProgress(0, events));
        var damages = (await connection.QueryAsync<(string Place, string Problem)>(Long("find-damages", token)).ConfigureAwait(false))
            .Select(damage => new Damage($"{sql.QuotedSchema}, {damage.Place}", damage.Problem, "Restore the database from a backup made before, and find out who wrote to its tables."));
        progress?.Report(new VerificationProgress(events, events));
        return new VerificationReport(commits, events, [.. damages]);
    }, cancellationToken);

    // Inside the section, so that nobody decides on what is being deleted; the changed version of the store makes other writers forget what they remember.
    // The streams are locked before anything of theirs goes: a snapshot that is being saved is waited for and goes, too, and none comes afterwards.
    private ValueTask<bool> DeleteAsync(string which, object values, CancellationToken cancellationToken) => connections.ChangeAsync("delete streams", async connection =>
    {
        await connection.ExecuteAsync(Command("lock-store", null)).ConfigureAwait(false);
        await connection.ExecuteAsync(Long("lock-streams", values, which)).ConfigureAwait(false);
        await connection.ExecuteAsync(Long("delete-snapshots", values, which)).ConfigureAwait(false);
        await connection.ExecuteAsync(Long("delete-events", values, which)).ConfigureAwait(false);
        var deleted = await connection.ExecuteAsync(Long("delete-streams", values, which)).ConfigureAwait(false);
        if (deleted > 0) await connection.ExecuteAsync(Command("change-store", new { version = StoreRow.NewVersion() })).ConfigureAwait(false);
        return deleted > 0;
    }, cancellationToken);

    // The stream's row stays locked until the transaction ends. No stream has key 0.
    private Task<(long Stream, long Revision)> LockAsync(NpgsqlConnection connection, StreamId stream) =>
        connection.QueryFirstOrDefaultAsync<(long, long)>(Command("lock-stream", NameOf(stream)));

    private static object NameOf(StreamId stream) => new { bucket = stream.Bucket, category = stream.Category, id = stream.Id };

    private CommandDefinition Command(string name, object? values, CancellationToken cancellationToken = default) => new(sql.Load(name), values, cancellationToken: cancellationToken);

    // What may take as long as the store is large.
    private CommandDefinition Long(string name, object values, string which) => new(sql.Load(name, ("which", which)), values, commandTimeout: 0);

    private CommandDefinition Long(string name, CancellationToken cancellationToken) => new(sql.Load(name), null, commandTimeout: 0, cancellationToken: cancellationToken);

    private sealed record HeadRow(string Bucket, string Category, string Id, long Revision, long Sequence, long Snapshot_Revision)
    {
        public StreamHead ToHead() => new(new StreamId(Bucket, Category, Id), Revision, Sequence, Snapshot_Revision);
    }

    private sealed record SnapshotRow(long Revision, int SchemaVersion, string StateType, byte[] Payload);

    private sealed record DocumentRow(string Name, long Version, byte[] Content)
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
