using System.Collections.Concurrent;
using Npgsql;

namespace EventStore.Postgres;

/// <summary>Reads pages of events by key, each in one statement and so in one snapshot, however many are written meanwhile.</summary>
internal sealed class PostgresReader(PostgresConnections connections, PostgresSql sql)
{
    private const int MaxNames = 100_000;
    private const string What = "read";
    private readonly string[] readStream = [sql.Load("read-stream", ("order", "ASC")), sql.Load("read-stream", ("order", "DESC"))];
    private readonly string findStreams = sql.Load("find-streams");
    private readonly ConcurrentDictionary<string, string> readAll = new();

    // Keys are never given twice, so a name holds for ever. Emptied when it is too large.
    private readonly ConcurrentDictionary<long, StreamId> names = new();

    public ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken) => connections.AskAsync(What, async (connection, token) =>
    {
        var command = new NpgsqlCommand(readStream[(int)read.Direction], connection);
        await using var ending = command.ConfigureAwait(false);
        command.Parameters.Add(PostgresSql.Value(read.Stream.Bucket));
        command.Parameters.Add(PostgresSql.Value(read.Stream.Category));
        command.Parameters.Add(PostgresSql.Value(read.Stream.Id));
        command.Parameters.Add(PostgresSql.Value(read.From.Value));
        command.Parameters.Add(PostgresSql.Value(read.To.Value));
        command.Parameters.Add(PostgresSql.Value((long)read.Limit.MaxEvents));
        command.Parameters.Add(PostgresSql.Value(read.Limit.MaxBytes));
        var reader = await command.ExecuteReaderAsync(token).ConfigureAwait(false);
        await using var closing = reader.ConfigureAwait(false);
        var (head, page) = (0L, new PageBuilder(read.Limit));
        var rows = new EventRows(reader);
        while (await reader.ReadAsync(token).ConfigureAwait(false))
        {
            head = reader.GetInt64(0);
            if (!await reader.IsDBNullAsync(1, token).ConfigureAwait(false)) page.TryAdd(rows.Read(read.Stream));
        }

        var high = Math.Min(read.To.Value, head);
        var asked = Math.Max(0, high - read.From.Value + 1);
        return new StreamPage(page.Events, head, IsEnd: page.Count >= asked);
    }, cancellationToken);

    public ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken) => connections.AskAsync(What, async (connection, token) =>
    {
        var query = new PostgresQuery(read);
        var (head, rows, keys) = (0L, new List<RecordedEvent>(), new List<long>());
        var command = new NpgsqlCommand(readAll.GetOrAdd(query.Conditions, _ => query.Load(sql)), connection);
        await using (command.ConfigureAwait(false))
        {
            query.AddTo(command.Parameters);
            var reader = await command.ExecuteReaderAsync(token).ConfigureAwait(false);
            await using var closing = reader.ConfigureAwait(false);
            var events = new EventRows(reader);
            while (await reader.ReadAsync(token).ConfigureAwait(false))
            {
                head = reader.GetInt64(0);
                if (await reader.IsDBNullAsync(1, token).ConfigureAwait(false)) continue;
                var key = reader.GetInt64(2);
                keys.Add(key);
                rows.Add(events.Read(names.GetValueOrDefault(key)));
            }
        }

        if (keys.Exists(key => !names.ContainsKey(key))) await LearnNamesAsync(connection, keys, rows, token).ConfigureAwait(false);
        return query.ToPage(rows, head);
    }, cancellationToken);

    // Names are read after the events. Whoever has none by then was deleted meanwhile, and his events with him.
    private async Task LearnNamesAsync(NpgsqlConnection connection, List<long> keys, List<RecordedEvent> rows, CancellationToken cancellationToken)
    {
        var learnt = new Dictionary<long, StreamId>();
        var command = new NpgsqlCommand(findStreams, connection) { Parameters = { PostgresSql.Value(keys.Distinct().ToArray()) } };
        await using (command.ConfigureAwait(false))
        {
            var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await using var readerEnding = reader.ConfigureAwait(false);
            while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                learnt.Add(reader.GetInt64(0), new StreamId(reader.GetString(1), reader.GetString(2), reader.GetString(3)));
        }

        CommitRecord? unnamed = null, named = null;
        for (var i = 0; i < rows.Count; i++)
        {
            var recorded = rows[i];
            if (recorded.Commit.Stream != default || !learnt.TryGetValue(keys[i], out var name)) continue;
            if (recorded.Commit != unnamed) (unnamed, named) = (recorded.Commit, recorded.Commit with { Stream = name });
            rows[i] = new RecordedEvent(named!, recorded.IndexInCommit, recorded.Record);
        }

        rows.RemoveAll(recorded => recorded.Commit.Stream == default);
        if (names.Count > MaxNames) names.Clear();
        foreach (var (key, name) in learnt) names[key] = name;
    }
}
