using Dapper;
using Npgsql;

namespace EventStore.Postgres;

/// <summary>Snapshots. A change locks the row of the stream first, so that the stream is not deleted while it runs.</summary>
internal sealed class PostgresSnapshots(PostgresConnections connections, PostgresSql sql)
{
    public ValueTask<bool> SaveAsync(SnapshotRecord snapshot, CancellationToken cancellationToken) =>
        connections.ChangeAsync("save a snapshot", async connection =>
    {
        var locked = await LockAsync(connection, snapshot.Stream).ConfigureAwait(false);
        var (stream, state) = (locked.Stream, locked.ToState());
        if (!AttemptRules.Accepts(snapshot, state)) throw new SnapshotRefusedException(snapshot.Stream, snapshot.Revision, state);
        var values = new
        {
            stream,
            revision = snapshot.Revision.Value,
            schemaVersion = snapshot.SchemaVersion,
            stateType = snapshot.StateType,
            payload = (object)snapshot.Payload.ToArray()
        };
        await connection.ExecuteAsync(sql.Load("save-snapshot"), values, commandTimeout: connection.CommandTimeout).ConfigureAwait(false);
        await connection.ExecuteAsync(sql.Load("follow-snapshots"), new { stream }, commandTimeout: connection.CommandTimeout)
            .ConfigureAwait(false);
        return true;
    }, cancellationToken);

    public ValueTask<SnapshotRecord?> FindAsync(StreamId stream, Revision atMost, CancellationToken cancellationToken) =>
        connections.AskAsync(
        "find a snapshot",
        async (connection, token) =>
        {
            var values = new { bucket = stream.Bucket, category = stream.Category, id = stream.Id, atMost = atMost.Value };
            var rows = connection.QueryUnbufferedAsync<SnapshotRow>(sql.Load("find-snapshot"), values,
                commandTimeout: connection.CommandTimeout);
            var row = await rows.FirstOrDefaultAsync(token).ConfigureAwait(false);
            return row is null ? null
                : new SnapshotRecord(stream, new Revision(row.Revision), row.SchemaVersion, row.StateType, row.Payload)
                {
                    Incarnation = new Checkpoint(row.Incarnation),
                };
        },
        cancellationToken);

    public ValueTask<bool> PruneAsync(StreamId name, int keep, CancellationToken cancellationToken) =>
        connections.ChangeAsync("prune snapshots", async connection =>
    {
        var stream = (await LockAsync(connection, name).ConfigureAwait(false)).Stream;
        if (stream == 0) return false;
        await connection.ExecuteAsync(sql.Load("prune-snapshots"), new { stream, keep }, commandTimeout: connection.CommandTimeout)
            .ConfigureAwait(false);
        await connection.ExecuteAsync(sql.Load("follow-snapshots"), new { stream }, commandTimeout: connection.CommandTimeout)
            .ConfigureAwait(false);
        return true;
    }, cancellationToken);

    // The stream's row stays locked until the transaction ends. No stream has key 0.
    private async Task<LockedRow> LockAsync(NpgsqlConnection connection, StreamId stream)
    {
        var values = new { bucket = stream.Bucket, category = stream.Category, id = stream.Id };
        return await connection.QueryFirstOrDefaultAsync<LockedRow>(sql.Load("lock-stream"), values,
            commandTimeout: connection.CommandTimeout).ConfigureAwait(false) ?? new LockedRow(0, 0, 0, 0, false);
    }

    internal sealed record LockedRow(long Stream, long Revision, long Incarnation, long First_Revision, bool Sealed)
    {
        public StreamState ToState() => new(new Checkpoint(Incarnation), new Revision(Revision), new Revision(First_Revision), Sealed);
    }

    internal sealed record SnapshotRow(long Revision, int SchemaVersion, string StateType, byte[] Payload, long Incarnation);
}
