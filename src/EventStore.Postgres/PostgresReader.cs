using System.Collections.Concurrent;
using Npgsql;

namespace EventStore.Postgres;

/// <summary>
/// Reads pages of events by key, in one round trip: the head, and after it the rows. So no row is missing up to the head, however many are
/// written meanwhile. Only where a page has events larger than their share of its bytes are these fetched in a second one. A page of which
/// something was deleted between the two is read again.
/// </summary>
internal sealed class PostgresReader(PostgresConnections connections, PostgresSql sql)
{
    private const string What = "read";
    private const int MaxStatements = 256; // criteria have many shapes; a lost one is written again
    private readonly string findCheckpoint = sql.Load("find-checkpoint");
    private readonly string findCheckpointAndCommit = sql.Load("find-checkpoint-and-commit");
    private readonly string findCommit = sql.Load("find-commit");
    private readonly string findStreams = sql.Load("find-streams");
    private readonly string[] readStream = [sql.Load("read-stream", ("order", "ASC")), sql.Load("read-stream", ("order", "DESC"))];
    private readonly string[] readLarge = [sql.Load("read-large", ("order", "ASC")), sql.Load("read-large", ("order", "DESC"))];
    private readonly ConcurrentDictionary<string, string> readAll = new();

    // Nothing is kept inside a transaction of the application, which may take back a stream and give its key to another.
    private readonly PostgresNames names = new();

    // A head that was read once. Where a failover took it back, a window backward begins above the head, and finds nothing there.
    private long seenHead;

    public ValueTask<CommitRecord?> FindCommitAsync(StreamId stream, Guid commitId, CancellationToken cancellationToken) =>
        connections.AskAsync("find a commit", async (connection, token) =>
    {
        var command = new NpgsqlCommand(findCommit, connection)
        {
            Parameters = { PostgresSql.Value(stream.Bucket), PostgresSql.Value(stream.Category), PostgresSql.Value(stream.Id),
                PostgresSql.Value(commitId) },
        };
        await using var ending = command.ConfigureAwait(false);
        var reader = await command.ExecuteReaderAsync(token).ConfigureAwait(false);
        await using var closing = reader.ConfigureAwait(false);
        return await reader.ReadAsync(token).ConfigureAwait(false) ? PostgresRows.CommitOf(stream, commitId, reader, 0) : null;
    }, cancellationToken);

    public ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken) =>
        connections.AskAsync(What, async (connection, token) =>
    {
        var page = new NpgsqlBatchCommand(readStream[(int)read.Direction]);
        foreach (var name in (string[])[read.Stream.Bucket, read.Stream.Category, read.Stream.Id])
            page.Parameters.Add(PostgresSql.Value(name));
        page.Parameters.Add(PostgresSql.Value(read.From.Value));
        page.Parameters.Add(PostgresSql.Value(read.To.Value));
        page.Parameters.Add(PostgresSql.Value((long)read.Limit.MaxEvents));
        page.Parameters.Add(PostgresSql.Value(PostgresEventRows.ShareOf(read.Limit)));
        var batch = new NpgsqlBatch(connection) { BatchCommands = { page } };
        await using var ending = batch.ConfigureAwait(false);
        var (_, rows) = await ReadAsync(
            batch, () => new PostgresEventRows(read.Limit, _ => read.Stream), ReadStreamRowsAsync, read.Direction, token)
            .ConfigureAwait(false);
        var (events, state) = (rows.ToPage().Page, rows.State);
        var (low, high) = (Math.Max(read.From.Value, state.FirstRevision.Value), Math.Min(read.To.Value, state.Revision.Value));
        return new StreamPage(events.Events, state, IsEnd: events.Count >= high - low + 1);
    }, cancellationToken);

    public ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken) =>
        connections.AskAsync(What, async (connection, token) =>
    {
        var upTo = PostgresQuery.EndsAtHead(read) && read.UpTo.Value > Volatile.Read(ref seenHead)
            ? Math.Min(read.UpTo.Value, await FindHeadAsync(connection, token).ConfigureAwait(false)) : read.UpTo.Value;
        var query = new PostgresQuery(read with { UpTo = new Checkpoint(upTo) });
        if (readAll.Count > MaxStatements) readAll.Clear();
        var page = new NpgsqlBatchCommand(readAll.GetOrAdd(query.Key, _ => query.Load(sql)));
        query.AddTo(page.Parameters);
        var batch = new NpgsqlBatch(connection) { BatchCommands = { names.ToAsk(findCheckpointAndCommit), page } };
        await using var ending = batch.ConfigureAwait(false);
        var (head, rows) = await ReadAsync(
            batch, () => new PostgresEventRows(read.Limit, names.Find),
            (reader, rows, stop) => ReadStoreRowsAsync(reader, rows, query.IsListed, stop), read.Direction, token).ConfigureAwait(false);
        foreach (var recorded in rows.Events) head = Math.Max(head, recorded.Commit.LastCheckpoint.Value);
        Volatile.Write(ref seenHead, head);
        return query.ToPage(rows, head);
    }, cancellationToken);

    private async Task<(long Newest, PostgresEventRows Rows)> ReadAsync(
        NpgsqlBatch batch, Func<PostgresEventRows> begin,
        Func<NpgsqlDataReader, PostgresEventRows, CancellationToken, Task<long>> readRows, ReadDirection direction,
        CancellationToken cancellationToken)
    {
        while (true)
        {
            var (rows, known) = (begin(), connections.Newest);
            long newest;
            var reader = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false)) newest = await readRows(reader, rows, cancellationToken).ConfigureAwait(false);
            connections.Observe(new Checkpoint(newest), known);

            // Names come before large events: these end where the bytes of the page do, and what has no name and is left out must not
            // count.
            if (rows.Unnamed.Count > 0) await LearnNamesAsync(batch.Connection!, rows, cancellationToken).ConfigureAwait(false);
            if (rows.Large.Count > 0) await ReadLargeAsync(batch.Connection!, rows, direction, cancellationToken).ConfigureAwait(false);
            if (!rows.IsTorn()) return (newest, rows);
        }
    }

    // The newest checkpoint of the store and the state of the stream come with each event, or alone.
    private static async Task<long> ReadStreamRowsAsync(
        NpgsqlDataReader reader, PostgresEventRows rows, CancellationToken cancellationToken)
    {
        var newest = 0L;
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false)) newest = rows.AddOfStream(reader);
        return newest;
    }

    // The newest checkpoint of the store comes with whether the names still hold.
    private async Task<long> ReadStoreRowsAsync(
        NpgsqlDataReader reader, PostgresEventRows rows, bool isListed, CancellationToken cancellationToken)
    {
        var hasHead = await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        var newest = hasHead ? PostgresRows.LastCheckpointOf(reader, 0) : 0;
        if (hasHead && !reader.GetBoolean(1)) names.Forget();
        await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (isListed) rows.AddListed(reader);
            else rows.Add(reader);
        }

        return newest;
    }

    private async Task ReadLargeAsync(NpgsqlConnection connection, PostgresEventRows rows, ReadDirection direction,
        CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand(readLarge[(int)direction], connection)
        {
            Parameters = { PostgresSql.Value(rows.Large.Keys.ToArray()), PostgresSql.Value(rows.MaxBytes) },
        };
        await using var ending = command.ConfigureAwait(false);
        var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var closing = reader.ConfigureAwait(false);
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false)) rows.Complete(reader);
    }

    // Names are read after the events. A stream that has none by then was deleted meanwhile, and its events with it.
    private async Task LearnNamesAsync(NpgsqlConnection connection, PostgresEventRows rows, CancellationToken cancellationToken)
    {
        var learnt = new Dictionary<long, StreamId>();
        var command = new NpgsqlCommand(findStreams,
            connection)
        { Parameters = { PostgresSql.Value(rows.Unnamed.Values.Distinct().ToArray()) } };
        await using (command.ConfigureAwait(false))
        {
            var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await using var readerEnding = reader.ConfigureAwait(false);
            while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                learnt.Add(reader.GetInt64(0), new StreamId(reader.GetString(1), reader.GetString(2), reader.GetString(3)));
        }

        rows.Name(learnt);
        if (!connections.IsInside) names.Learn(learnt, rows.Events.MaxBy(recorded => recorded.Checkpoint)!.Commit);
    }

    private async Task<long> FindHeadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand(findCheckpoint, connection);
        await using var ending = command.ConfigureAwait(false);
        return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) is long head ? head : 0;
    }
}
