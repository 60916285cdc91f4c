using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using EventStore.TestServers;
using Npgsql;
using Spectre.Console;

namespace EventStore.Benchmarks;

/// <summary>
/// What the PostgreSQL backend costs beside the server's own benchmark and bare loops of the driver, all in the durable mode on one private
/// server, and whether it costs more in a large store. EVENTSTORE_BENCHMARK_EVENTS sets how many events the large store has.
/// </summary>
internal static class PostgresBenchmarks
{
    private const int Streams = 1_000;
    private const int Committers = 64;
    private static readonly int Commits = Setting("EVENTSTORE_BENCHMARK_COMMITS", 10_000);
    private static readonly int LargeEvents = Setting("EVENTSTORE_BENCHMARK_EVENTS", 1_000_000);
    private static readonly byte[] Body = JsonSerializer.SerializeToUtf8Bytes(OrderPlaced.Sample, BenchmarkJson.Default.OrderPlaced);

    public static Task CommitsAsync() => OnServerAsync(AppendAsync);

    public static Task ReadsAsync() => OnServerAsync(ReadAsync);

    public static Task GrowthAsync() => OnServerAsync(SizesAsync);

    private static async Task OnServerAsync(Func<PrivatePostgres, Task> run)
    {
        await using var server = await PrivatePostgres.TryStartAsync();
        if (server is null)
        {
            AnsiConsole.WriteLine($"There are no binaries of PostgreSQL here. Install {PrivatePostgres.Package}.");
            return;
        }

        await ExecuteAsync(server, """
            CREATE TABLE bare (
                checkpoint bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, stream bigint NOT NULL, revision bigint NOT NULL,
                sequence bigint NOT NULL, stamp timestamptz NOT NULL, commit_id uuid NOT NULL, event_id uuid NOT NULL,
                index_in_commit integer NOT NULL, commit_events integer NOT NULL, type text NOT NULL,
                body bytea NOT NULL, headers bytea NOT NULL)
            """);
        await run(server);
    }

    // The bare rows are those of the store's events, under one index instead of three, without heads, checks or order.
    private static async Task AppendAsync(PrivatePostgres server)
    {
        await using var store = await BuildAsync(server, "bench");
        await CommitAsync(store, 1, Streams);
        await new SideBySide($"One committer, an event of {Body.Length} bytes a commit, synced", "commit")
            .Add("bare Npgsql, an INSERT per transaction", () => InsertAsync(server, Commits))
            .Add("AppendAsync", () => CommitAsync(store, 1, Commits))
            .RunAsync();
        await new SideBySide($"{Committers} committers, an event a commit, synced", "commit")
            .Add($"pgbench, {Committers} clients, an INSERT per transaction", () => PgbenchAsync(server))
            .Add("AppendAsync", () => CommitAsync(store, Committers, Commits * 4))
            .RunAsync();
    }

    private static async Task ReadAsync(PrivatePostgres server)
    {
        await using var store = await BuildAsync(server, "reads");
        for (var i = 0; i < 100; i++)
            await store.AppendAsync("stream", ExpectedRevision.Any, [.. Enumerable.Repeat(new EventMessage(Body), 10)]);
        for (var i = 0; i < 200; i++)
            await store.AppendAsync($"{i % 100}", ExpectedRevision.Any, [.. Enumerable.Repeat(new EventMessage(Body), 1_000)]);
        const string Columns =
            "stream, revision, sequence, stamp, commit_id, event_id, index_in_commit, commit_events, type, body, headers";
        await ExecuteAsync(server, $"INSERT INTO bare ({Columns}) SELECT {Columns} FROM reads.events ORDER BY checkpoint");
        await ExecuteAsync(server, "VACUUM ANALYZE bare");
        await ExecuteAsync(server, "VACUUM ANALYZE reads.events");
        var firstBare = await ExecuteAsync(server, "SELECT max(checkpoint) - (SELECT count(*) FROM reads.events) FROM bare");
        await new SideBySide("Everything in checkpoint order, bytes only", "event")
            .Add("bare Npgsql reader of the same rows", () => ReadBareAsync(server, (long)firstBare!))
            .Add("ReadAllAsync", () => CountAsync(store.ReadAllAsync(decoding: EventDecoding.OnDemand)))
            .RunAsync();
        await new SideBySide("A stream of 1,000 events, bytes only, 50 times", "event")
            .Add("ReadStreamAsync", async () =>
            {
                long events = 0;
                for (var i = 0; i < 50; i++) events += await CountAsync(store.ReadStreamAsync("stream", decoding: EventDecoding.OnDemand));
                return events;
            })
            .RunAsync();
    }

    // Both stores hold streams of 10 events; what is measured goes to streams among them, spread over the whole.
    private static async Task SizesAsync(PrivatePostgres server)
    {
        await using var small = await FillAsync(server, "small", 1_000);
        await using var large = await FillAsync(server, "large", LargeEvents);
        await new SideBySide($"One committer at 1,000 and at {LargeEvents:N0} events", "commit")
            .Add("small", () => SpreadAsync(small, 100, Commits / 2))
            .Add("large", () => SpreadAsync(large, LargeEvents / 10, Commits / 2))
            .RunAsync();
        await new SideBySide($"Opening a stream of 10 events at 1,000 and at {LargeEvents:N0} events", "stream")
            .Add("small", () => OpenAsync(small, 100)).Add("large", () => OpenAsync(large, LargeEvents / 10)).RunAsync();
        await new SideBySide($"100,000 events from the origin at 1,000 (again and again) and at {LargeEvents:N0} events", "event")
            .Add("small", async () =>
            {
                long events = 0;
                while (events < 100_000) events += await CountAsync(small.ReadAllAsync(decoding: EventDecoding.OnDemand));
                return events;
            })
            .Add("large", () => CountAsync(large.ReadAllAsync(new EventQuery { UpTo = new Checkpoint(100_000) }, EventDecoding.OnDemand)))
            .RunAsync();
    }

    private static ValueTask<IEventStore> BuildAsync(PrivatePostgres server, string schema) => Wireup.Init()
        .UsingPostgresPersistence(server.Address, new PostgresOptions { Schema = schema }).InitializeStorageEngine()
        .UsingCustomSerialization(new IdentitySerializer()).BuildAsync();

    private static async Task<IEventStore> FillAsync(PrivatePostgres server, string schema, int events)
    {
        var store = await BuildAsync(server, schema);
        var streams = events / 10;
        await ExecuteAsync(server, $"""
            INSERT INTO {schema}.streams SELECT n, 'default', '', 'stream-' || n, 10, 10 FROM generate_series(1, {streams}) n;
            INSERT INTO {schema}.events
            SELECT (i - 1) * {streams} + n, n, i, i, now(), gen_random_uuid(), gen_random_uuid(), 0, 1, 'order-placed',
                decode(repeat('7b', {Body.Length}), 'hex'), '', ''
            FROM generate_series(1, 10) i, generate_series(1, {streams}) n;
            UPDATE {schema}.store SET version = 1, last_checkpoint = {events}, last_stamp = now(), last_stream = {streams};
            """);
        await ExecuteAsync(server, $"VACUUM ANALYZE {schema}.streams");
        await ExecuteAsync(server, $"VACUUM ANALYZE {schema}.events");
        await ExecuteAsync(server, "CHECKPOINT");
        return store;
    }

    private static async ValueTask<long> CommitAsync(IEventStore store, int committers, int commits)
    {
        await Task.WhenAll(Enumerable.Range(0, committers).Select(committer => Task.Run(async () =>
        {
            for (var i = committer; i < commits; i += committers)
                await store.AppendAsync(new StreamId("bench", "order", $"{i % Streams}"), ExpectedRevision.Any, [new EventMessage(Body)]);
        })));
        return commits;
    }

    private static async ValueTask<long> SpreadAsync(IEventStore store, int streams, int commits)
    {
        for (var i = 0; i < commits; i++)
            await store.AppendAsync($"stream-{1 + ((i % 100) * (streams / 100))}", ExpectedRevision.Any, [new EventMessage(Body)]);
        return commits;
    }

    private static async ValueTask<long> OpenAsync(IEventStore store, int streams)
    {
        var firstTen = new StreamRange { To = new Revision(10) };
        for (var i = 0; i < 2_000; i++)
            await CountAsync(store.ReadStreamAsync($"stream-{1 + (i * 7919L % streams)}", firstTen, EventDecoding.OnDemand));
        return 2_000;
    }

    private static async ValueTask<long> CountAsync(IAsyncEnumerable<CommittedEvent> events)
    {
        var (count, bytes) = (0L, 0L);
        await foreach (var committed in events) (count, bytes) = (count + 1, bytes + committed.Payload.Length);
        return bytes > 0 ? count : 0;
    }

    private static async ValueTask<long> InsertAsync(PrivatePostgres server, int commits)
    {
        await using var connection = new NpgsqlConnection(server.Address);
        await connection.OpenAsync();
        await using var insert = new NpgsqlCommand(
            "INSERT INTO bare "
            + "(stream, revision, sequence, stamp, commit_id, event_id, index_in_commit, commit_events, type, body, headers) "
            + "VALUES ($1, $2, $2, $3, $4, $5, 0, 1, $6, $7, '')",
            connection);
        var (stream, revision, stamp) = (new NpgsqlParameter<long>(), new NpgsqlParameter<long>(), new NpgsqlParameter<DateTime>());
        var (commit, id, type, body) = (new NpgsqlParameter<Guid>(), new NpgsqlParameter<Guid>(),
            new NpgsqlParameter<string> { TypedValue = "order-placed" }, new NpgsqlParameter<byte[]> { TypedValue = Body });
        insert.Parameters.AddRange(new NpgsqlParameter[] { stream, revision, stamp, commit, id, type, body });
        stamp.TypedValue = TimeProvider.System.GetUtcNow().UtcDateTime;
        await insert.PrepareAsync();
        for (var i = 0; i < commits; i++)
        {
            (stream.TypedValue, revision.TypedValue, stamp.TypedValue) = (i % Streams, i, TimeProvider.System.GetUtcNow().UtcDateTime);
            (commit.TypedValue, id.TypedValue) = (SequentialGuid.Next(), SequentialGuid.Next());
            await insert.ExecuteNonQueryAsync();
        }

        return commits;
    }

    private static async ValueTask<long> ReadBareAsync(PrivatePostgres server, long after)
    {
        await using var connection = new NpgsqlConnection(server.Address);
        await connection.OpenAsync();
        await using var select = new NpgsqlCommand("SELECT * FROM bare WHERE checkpoint > $1 ORDER BY checkpoint", connection)
        {
            Parameters = { new NpgsqlParameter<long> { TypedValue = after } },
        };
        await using var reader = await select.ExecuteReaderAsync();
        var (count, bytes) = (0L, 0L);
        while (await reader.ReadAsync())
        {
            bytes += reader.GetInt64(0) + reader.GetInt64(1) + reader.GetInt64(2) + reader.GetInt64(3) + reader.GetDateTime(4).Ticks
                + reader.GetGuid(5).Version + reader.GetGuid(6).Version;
            bytes += reader.GetInt32(7) + reader.GetInt32(8) + reader.GetString(9).Length + reader.GetFieldValue<byte[]>(10).Length
                + reader.GetFieldValue<byte[]>(11).Length;
            count++;
        }

        return bytes > 0 ? count : 0;
    }

    // It reports its own rate, without the time that its connections take; the harness divides by the time it took in all.
    private static async ValueTask<long> PgbenchAsync(PrivatePostgres server)
    {
        var script = Path.GetTempFileName();
        await File.WriteAllTextAsync(script, $$"""
            \set stream random(1, {{Streams}})
            INSERT INTO bare (stream, revision, sequence, stamp, commit_id, event_id, index_in_commit, commit_events, type, body, headers)
            VALUES (:stream, 1, 1, now(), gen_random_uuid(), gen_random_uuid(), 0, 1, 'order-placed',
                decode('{{Convert.ToHexString(Body)}}', 'hex'), '');
            """);
        var started = Stopwatch.GetTimestamp();
        string[] arguments =
        [
            "-n", "-h", "127.0.0.1", "-p", $"{server.Port}", "-U", "postgres", "-M", "prepared",
            "-c", $"{Committers}", "-j", "2", "-t", $"{Commits * 4 / Committers}", "-f", script, "postgres",
        ];
        var start = new ProcessStartInfo(Path.Combine(server.Binaries, "pgbench"), arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var pgbench = Process.Start(start)!;
        var errors = pgbench.StandardError.ReadToEndAsync();
        var output = await pgbench.StandardOutput.ReadToEndAsync();
        await pgbench.WaitForExitAsync();
        File.Delete(script);
        var rate = output.Split('\n').FirstOrDefault(line => line.StartsWith("tps = ", StringComparison.Ordinal))
            ?? throw new InvalidOperationException(await errors);
        return (long)(double.Parse(rate.Split(' ')[2], CultureInfo.InvariantCulture) * Stopwatch.GetElapsedTime(started).TotalSeconds);
    }

    private static async Task<object?> ExecuteAsync(PrivatePostgres server, string statement)
    {
        await using var connection = new NpgsqlConnection(server.Address + ";Command Timeout=0");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(statement, connection);
        return await command.ExecuteScalarAsync();
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var value) ? value : otherwise;
}
