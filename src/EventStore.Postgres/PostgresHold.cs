using Dapper;
using Npgsql;

namespace EventStore.Postgres;

/// <summary>
/// The hold of an import, stored in the row of the store, where a writer reads it with the counters. The changed version makes every writer
/// read it.
/// </summary>
internal sealed class PostgresHold(PostgresConnections connections, PostgresSql sql, PostgresWriter writer)
{
    private volatile string? heldAs;

    /// <summary>Stores who holds the storage.</summary>
    /// <exception cref="StorageHeldException">Another import holds it.</exception>
    public ValueTask TakeAsync(string holder, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(holder);
        return SetAsync("hold the store", Names.RequireWellFormed(holder, nameof(holder)), holder, cancellationToken);
    }

    /// <summary>Ends the hold, if there is one.</summary>
    /// <exception cref="StorageHeldException">Another import holds the storage.</exception>
    public ValueTask ReleaseAsync(string holder, CancellationToken cancellationToken) =>
        SetAsync("release the store", holder, null, cancellationToken);

    /// <summary>Passes over checkpoints.</summary>
    public async ValueTask SkipAsync(long upTo, CancellationToken cancellationToken)
    {
        var isHeld = await connections.ChangeAsync("skip checkpoints", async connection =>
    {
        if (heldAs is not { } holder || await LockAsync(connection).ConfigureAwait(false) != holder) return false;
        await connection.ExecuteAsync(sql.Load("skip-checkpoints"), new { version = StoreRow.NewVersion(), upTo },
            commandTimeout: connection.CommandTimeout).ConfigureAwait(false);
        return true;
    }, cancellationToken).ConfigureAwait(false);
        if (!isHeld)
            throw new InvalidOperationException("Checkpoints are skipped only while the storage is held by this engine. Call HoldAsync.");
    }

    private async ValueTask SetAsync(string what, string holder, string? next, CancellationToken cancellationToken)
    {
        await connections.ChangeAsync(what, async connection =>
    {
        if (await LockAsync(connection).ConfigureAwait(false) is { } other && other != holder) throw new StorageHeldException(other);
        await connection.ExecuteAsync(sql.Load("hold-store"), new { version = StoreRow.NewVersion(), holder = next },
            commandTimeout: connection.CommandTimeout).ConfigureAwait(false);
        return true;
    }, cancellationToken).ConfigureAwait(false);
        heldAs = next;
        writer.HoldAs(next);
    }

    private async Task<string?> LockAsync(NpgsqlConnection connection)
    {
        var row = await connection.QueryFirstAsync<StoreHolder>(sql.Load("lock-store"), commandTimeout: connection.CommandTimeout)
            .ConfigureAwait(false);
        return row.Holder;
    }

    internal sealed record StoreHolder(
        long Version, long Last_Checkpoint, DateTime Last_Stamp, long Last_Stream, long Removed, string? Holder);
}
