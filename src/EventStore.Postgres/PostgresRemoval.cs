using Dapper;

namespace EventStore.Postgres;

/// <summary>Deletes streams with all that belongs to them.</summary>
internal sealed class PostgresRemoval(PostgresConnections connections, PostgresSql sql)
{
    private const int None = 0; // no time limit: the statement may take as long as the store is large

    // In this order. The last one counts the streams.
    private static readonly string[] Removing = ["lock-streams", "delete-snapshots", "delete-events", "delete-streams"];

    /// <summary>Deletes one stream with all that belongs to it; returns whether there was one.</summary>
    public ValueTask<bool> DeleteAsync(StreamId stream, CancellationToken cancellationToken) =>
        DeleteAsync("s.bucket = @bucket AND s.category = @category AND s.id = @id", stream.Bucket, stream.Category, stream.Id,
            cancellationToken);

    /// <summary>Deletes the streams of a bucket, or all of them, with all that belongs to them.</summary>
    public ValueTask<bool> PurgeAsync(string? bucket, CancellationToken cancellationToken) =>
        DeleteAsync(bucket is null ? "true" : "s.bucket = @bucket", bucket, null, null, cancellationToken);

    // Inside the section, so that no writer decides on what is being deleted; the changed version of the store makes other writers forget
    // what they remember. The streams are locked before anything of them goes: a snapshot that is being saved is waited for and goes, too,
    // and none comes afterwards.
    private ValueTask<bool> DeleteAsync(string which, string? bucket, string? category, string? id, CancellationToken cancellationToken) =>
        connections.ChangeAsync("delete streams", async connection =>
    {
        await connection.ExecuteAsync(sql.Load("lock-store"), commandTimeout: connection.CommandTimeout).ConfigureAwait(false);
        var deleted = 0;
        foreach (var statement in Removing)
            deleted = await connection.ExecuteAsync(sql.Load(statement, ("which", which)), new { bucket, category, id },
                commandTimeout: None).ConfigureAwait(false);
        if (deleted > 0) await connection.ExecuteAsync(sql.Load("change-store"), new { version = StoreRow.NewVersion() },
            commandTimeout: connection.CommandTimeout).ConfigureAwait(false);
        return deleted > 0;
    }, cancellationToken);
}
