using Dapper;
using Npgsql;

namespace EventStore.Postgres;

/// <summary>
/// Deletes, truncates and seals streams. All of it is done inside the section, so that no writer decides on what is being changed. The
/// changed version of the store makes other writers forget what they remember.
/// </summary>
internal sealed class PostgresRemoval(PostgresConnections connections, PostgresSql sql, PostgresHeads heads)
{
    private const int None = 0; // no time limit: the statement may take as long as the store is large
    private const int RevisionsPerStep = 4_096;
    private const string OneStream = "s.bucket = @bucket AND s.category = @category AND s.id = @id";

    /// <summary>Deletes one stream with all that belongs to it.</summary>
    public ValueTask<StreamChange> DeleteAsync(StreamId stream, StreamExpectation expected, CancellationToken cancellationToken) =>
        ChangeAsync("delete a stream", stream, expected, async (connection, head, _) =>
    {
        await DeleteAsync(connection, OneStream, stream.Bucket, (stream.Category, stream.Id)).ConfigureAwait(false);
        return head;
    }, cancellationToken);

    /// <summary>Deletes the streams of a bucket, or all of them, with all that belongs to them.</summary>
    public ValueTask<bool> PurgeAsync(string? bucket, CancellationToken cancellationToken) =>
        connections.ChangeAsync("delete streams", async connection =>
    {
        await EnterAsync(connection).ConfigureAwait(false);
        await DeleteAsync(connection, bucket is null ? "true" : "s.bucket = @bucket", bucket, (null, null)).ConfigureAwait(false);
        return true;
    }, cancellationToken);

    /// <summary>Seals a stream.</summary>
    public ValueTask<StreamChange> SealAsync(StreamId stream, StreamExpectation expected, CancellationToken cancellationToken) =>
        ChangeAsync("seal a stream", stream, expected, async (connection, head, key) =>
    {
        if (head.IsSealed) return null;
        await connection.ExecuteAsync(sql.Load("seal-stream"), new { stream = key }, commandTimeout: connection.CommandTimeout)
            .ConfigureAwait(false);
        await LeaveAsync(connection, 0).ConfigureAwait(false);
        return head with { IsSealed = true };
    }, cancellationToken);

    /// <summary>
    /// Truncates a stream, a bounded number of events in a transaction, each of which is a truncation of its own. What is broken off is a
    /// shorter truncation.
    /// </summary>
    public async ValueTask<StreamChange> TruncateAsync(
        StreamId stream, Revision before, StreamExpectation expected, CancellationToken cancellationToken)
    {
        var change = await StepAsync(stream, before, expected, cancellationToken).ConfigureAwait(false);
        while (change.Kind == StreamChangeKind.Changed
            && change.State.FirstRevision.Value < Math.Min(before.Value, change.State.Revision.Value + 1))
        {
            // The first step was as expected. Where the stream is deleted since, that is after this truncation.
            var same = new StreamExpectation(ExpectedRevision.Any, change.State.Incarnation);
            try
            {
                var next = await StepAsync(stream, before, same, CancellationToken.None).ConfigureAwait(false);
                if (next.Kind != StreamChangeKind.Changed) return change;
                change = next;
            }
            catch (StorageUnavailableException error) when (!connections.IsInside)
            {
                throw new BatchOutcomeUnknownException(
                    $"stream '{stream}' is truncated before revision {change.State.FirstRevision}, and the rest failed.", error);
            }
        }

        return change;
    }

    private ValueTask<StreamChange> StepAsync(
        StreamId stream, Revision before, StreamExpectation expected, CancellationToken cancellationToken) =>
        ChangeAsync("truncate a stream", stream, expected, async (connection, head, key) =>
    {
        var from = head.FirstRevision.Value;
        var first = Math.Min(Math.Min(before.Value, head.Revision.Value + 1), from + RevisionsPerStep);
        if (first <= from) return null;
        var removed = await connection.QueryFirstOrDefaultAsync<long>(
            sql.Load("find-event"), new { stream = key, revision = first - 1 }, commandTimeout: connection.CommandTimeout)
            .ConfigureAwait(false);
        var range = new { stream = key, from, first };
        foreach (var statement in (string[])["delete-truncated-tags", "delete-truncated", "truncate-events", "truncate-stream"])
            await connection.ExecuteAsync(sql.Load(statement), range, commandTimeout: None).ConfigureAwait(false);
        if (await connection.ExecuteAsync(sql.Load("delete-old-snapshots"), new { stream = key, revision = first - 1 },
            commandTimeout: connection.CommandTimeout).ConfigureAwait(false) > 0)
            await connection.ExecuteAsync(sql.Load("follow-snapshots"), new { stream = key }, commandTimeout: connection.CommandTimeout)
                .ConfigureAwait(false);
        await LeaveAsync(connection, removed).ConfigureAwait(false);
        return head with { FirstRevision = new Revision(first) };
    }, cancellationToken);

    // The change returns the head after it, or null where there was nothing to change.
    private ValueTask<StreamChange> ChangeAsync(
        string what, StreamId stream, StreamExpectation expected, Func<NpgsqlConnection, StreamHead, long, Task<StreamHead?>> change,
        CancellationToken cancellationToken) =>
        connections.ChangeAsync(what, async connection =>
    {
        await EnterAsync(connection).ConfigureAwait(false);
        var head = await heads.FindAsync(connection, stream).ConfigureAwait(false);
        var state = StreamState.Of(head);
        if (!expected.IsMetBy(state)) return new StreamChange(StreamChangeKind.Conflict, state);
        if (head is null) return new StreamChange(StreamChangeKind.Missing, default);
        var key = await LockAsync(connection, stream).ConfigureAwait(false);
        return await change(connection, head, key).ConfigureAwait(false) is { } changed
            ? new StreamChange(StreamChangeKind.Changed, StreamState.Of(changed))
            : new StreamChange(StreamChangeKind.Unchanged, state);
    }, cancellationToken);

    private async Task DeleteAsync(NpgsqlConnection connection, string which, string? bucket, (string? Category, string? Id) name)
    {
        var values = new { bucket, category = name.Category, id = name.Id };

        // The streams are locked before anything of them goes: a snapshot that is being saved is waited for and goes, too, and none comes
        // afterwards.
        foreach (var statement in (string[])["lock-streams", "delete-snapshots", "delete-tags"])
            await connection.ExecuteAsync(sql.Load(statement, ("which", which)), values, commandTimeout: None).ConfigureAwait(false);
        var removed = await connection.QueryFirstOrDefaultAsync<long>(
            sql.Load("delete-events", ("which", which)), values, commandTimeout: None).ConfigureAwait(false);
        if (await connection.ExecuteAsync(sql.Load("delete-streams", ("which", which)), values, commandTimeout: None)
            .ConfigureAwait(false) > 0) await LeaveAsync(connection, removed).ConfigureAwait(false);
    }

    private async Task EnterAsync(NpgsqlConnection connection) =>
        await connection.ExecuteAsync(sql.Load("lock-store"), commandTimeout: connection.CommandTimeout).ConfigureAwait(false);

    // Saving or pruning snapshots locks the stream first, too.
    private async Task<long> LockAsync(NpgsqlConnection connection, StreamId stream)
    {
        var values = new { bucket = stream.Bucket, category = stream.Category, id = stream.Id };
        return await connection.QueryFirstOrDefaultAsync<long>(
            sql.Load("lock-stream"), values, commandTimeout: connection.CommandTimeout).ConfigureAwait(false);
    }

    private async Task LeaveAsync(NpgsqlConnection connection, long removed) =>
        await connection.ExecuteAsync(sql.Load("change-store"), new { version = StoreRow.NewVersion(), removed },
            commandTimeout: connection.CommandTimeout).ConfigureAwait(false);
}
