using EventStore.TestServers;
using Npgsql;

namespace EventStore.Postgres.Tests;

/// <summary>What errors of the server and of the driver mean, and settings of a server that a store must bear.</summary>
public sealed class ErrorTests : IAsyncLifetime
{
    private readonly TestSchema schema = new();
    private string address = "";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => address = await TestSchema.AddressAsync();

    public ValueTask DisposeAsync() => schema.DisposeAsync();

    [Theory]
    [InlineData("25006", false, "default_transaction_read_only")]
    [InlineData("25P03", true, "idle_in_transaction_session_timeout")]
    [InlineData("25P04", true, "transaction_timeout")]
    [InlineData("26000", false, "Max Auto Prepare=0")]
    [InlineData("28P01", false, "password")]
    [InlineData("3D000", false, "does not exist")]
    [InlineData("3F000", false, "InitializeStorageEngine")]
    [InlineData("40001", true, "Try again")]
    [InlineData("42501", false, "Grant it")]
    [InlineData("42P05", false, "Max Auto Prepare=0")]
    [InlineData("53100", true, "Make room")]
    [InlineData("53200", true, "out of memory")]
    [InlineData("53300", true, "Maximum Pool Size")]
    [InlineData("55P03", true, "lock_timeout")]
    [InlineData("57014", true, "statement_timeout")]
    [InlineData("57P01", true, "Try again")]
    [InlineData("57P03", true, "recovering")]
    [InlineData("57P05", true, "idle_session_timeout")]
    [InlineData("58030", true, "Try again")]
    [InlineData("22000", false, "inner exception")]
    public void An_error_of_the_server_says_whether_time_heals_it_and_what_to_do(string code, bool heals, string advice)
    {
        var error = PostgresErrors.Refused(new PostgresException("secret", "ERROR", "ERROR", code), "commit a batch");
        Assert.Equal(heals ? typeof(StorageUnavailableException) : typeof(StorageException), error.GetType());
        Assert.Contains(advice, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_transaction_that_the_server_ended_while_it_was_idle_stored_nothing()
    {
        var ended = new PostgresException("", "FATAL", "FATAL", "25P03");
        Assert.IsType<StorageUnavailableException>(PostgresErrors.Sent(ended, "commit a batch"));
        Assert.True(PostgresErrors.IsOfConnection(ended));
        Assert.IsType<BatchOutcomeUnknownException>(
            PostgresErrors.Sent(new PostgresException("", "FATAL", "FATAL", "57P01"), "commit a batch"));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_connection_that_broke_in_the_middle_of_a_message_is_never_used_again()
    {
        await using var engine = await TestStores.OpenEngineAsync(address, schema.Options);
        await engine.CommitAsync(TestStores.Attempt("stream", ExpectedRevision.NoStream));
        await using var connections = PostgresConnections.To(PostgresConnections.Complete(address + ";Maximum Pool Size=1"));

        // The driver prepares a statement at its second use: the message that would do so is never sent.
        for (var failure = 0; failure < 3; failure++)
            await Assert.ThrowsAsync<StorageException>(async () => await AskAsync(connections, "half of a pair: \ud800"));
        for (var read = 0; read < 10; read++) Assert.Equal(["sound", $"{read}"], await AskAsync(connections, $"{read}"));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_discarded_connection_of_the_application_does_not_return_to_its_pool()
    {
        await using var database = NpgsqlDataSource.Create(address);
        await using var connections = PostgresConnections.Of(database);
        async Task<int> UseAsync(Action<PostgresConnections.Lease> use)
        {
            await using var lease = await connections.RentAsync(Token);
            use(lease);
            return lease.Connection.ProcessID;
        }

        var kept = await UseAsync(_ => { });
        Assert.Equal(kept, await UseAsync(lease => lease.Discard()));
        Assert.NotEqual(kept, await UseAsync(_ => { }));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_transaction_of_the_application_that_was_idle_too_long_is_reported_with_the_setting_and_stored_nothing()
    {
        await using var engine = await TestStores.OpenEngineAsync(address, schema.Options);
        await using var connection = new NpgsqlConnection(address + ";Pooling=false");
        await connection.OpenAsync(Token);
        var process = connection.ProcessID;
        var transaction = await connection.BeginTransactionAsync(Token);
        await using var inside = new PostgresPersistenceEngine(
            PostgresConnections.Inside(transaction), schema.Options, EngineContext.Default);
        await inside.InitializeAsync(Token);

        // The limit is set last, so that nothing before it can be too slow for it.
        await using (var limiting = new NpgsqlCommand("SET LOCAL idle_in_transaction_session_timeout = 1", connection, transaction))
            await limiting.ExecuteNonQueryAsync(Token);
        var count = $"SELECT count(*) FROM pg_stat_activity WHERE pid = {process}";
        while (!0L.Equals(await schema.RunAsync(count))) await Task.Delay(10, Token);

        var ended = await Assert.ThrowsAsync<StorageUnavailableException>(
            async () => await inside.CommitAsync(TestStores.Attempt("stream", ExpectedRevision.NoStream)));
        Assert.Contains("idle_in_transaction_session_timeout", ended.Message, StringComparison.Ordinal);
        Assert.Null(await engine.FindHeadAsync("stream", Token));
    }

    [Fact(Timeout = 60_000)]
    public async Task No_caller_of_a_store_notices_connections_that_an_administrator_ended()
    {
        var name = $"ended-{Guid.NewGuid():N}";
        await using var store = await TestStores.BuildAsync(
            wireup => wireup.UsingPostgresPersistence($"{address};Application Name={name}", schema.Options));
        await store.AppendAsync("stream", "first", Token);
        await EndAsync();
        Assert.Single((await store.OpenStreamAsync("stream")).CommittedEvents);
        await EndAsync();
        var second = await store.AppendAsync("stream", "second", Token);
        Assert.Equal((2L, false), (second.LastRevision.Value, second.IsDuplicate));
        Assert.Equal(2L, await schema.RunAsync("SELECT count(*) FROM {schema}.events"));

        Task EndAsync() =>
            schema.RunAsync($"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = '{name}'");
    }

    [Fact(Timeout = 60_000)]
    public async Task A_server_that_quotes_every_identifier_lacks_nothing()
    {
        await using (await TestStores.OpenEngineAsync(address, schema.Options))
        {
        }

        await using var quoting = await TestStores.OpenEngineAsync(address + ";Options=-c quote_all_identifiers=on", schema.Options);
        await quoting.CommitAsync(TestStores.Attempt("stream", ExpectedRevision.NoStream));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_server_that_reads_only_by_default_is_named_with_the_setting()
    {
        await using (await TestStores.OpenEngineAsync(address, schema.Options))
        {
        }

        await using var engine = await TestStores.OpenEngineAsync(
            address + ";Options=-c default_transaction_read_only=on", schema.Options);
        var refused = await Assert.ThrowsAsync<StorageException>(
            async () => await engine.CommitAsync(TestStores.Attempt("stream", ExpectedRevision.NoStream)));
        Assert.Contains("default_transaction_read_only", refused.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_role_without_a_connection_left_may_try_again()
    {
        var role = $"limited_{Guid.NewGuid():N}";
        await schema.RunAsync($"CREATE ROLE {role} LOGIN PASSWORD 'x' CONNECTION LIMIT 0");
        try
        {
            schema.Options.StartupTimeout = TimeSpan.Zero;
            var limited = new NpgsqlConnectionStringBuilder(address) { Username = role, Password = "x" }.ConnectionString;
            var refused = await Assert.ThrowsAsync<StorageUnavailableException>(
                () => TestStores.OpenEngineAsync(limited, schema.Options));
            Assert.Contains("connection limit", refused.Message, StringComparison.Ordinal);
        }
        finally
        {
            await schema.RunAsync($"DROP ROLE {role}");
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task A_batch_that_is_larger_than_a_statement_takes_is_stored_in_parts()
    {
        await using var engine = await TestStores.OpenEngineAsync(address, schema.Options);
        await using var connections = PostgresConnections.To(PostgresConnections.Complete(address));
        using var writer = new PostgresWriter(connections, new PostgresSql(schema.Options.Schema), schema.Options, TimeProvider.System);
        CommitAttempt[] attempts =
        [
            .. Enumerable.Range(0, 7)
                .Select(i => TestStores.Attempt("stream", i == 3 ? ExpectedRevision.NoStream : ExpectedRevision.Any)),
        ];
        var (outcomes, last) = await writer.CommitAsync(attempts, maxPartBytes: 25, Token);
        Assert.Equal(6, last.Value);
        Assert.Equal(
            [1, 2, 3, 0, 4, 5, 6], outcomes.Select(outcome => outcome.Commit?.FirstRevision.Value ?? 0));
        Assert.Equal(6, (await engine.ReadAllAsync()).Count);
    }

    // The same statements each time, so that the driver prepares them.
    private static ValueTask<List<string>> AskAsync(PostgresConnections connections, string value) =>
        connections.AskAsync("look", async (connection, token) =>
    {
        await using var command = new NpgsqlBatch(connection);
        command.BatchCommands.Add(new NpgsqlBatchCommand("SELECT $1::text, 1") { Parameters = { PostgresSql.Value("sound") } });
        command.BatchCommands.Add(new NpgsqlBatchCommand("SELECT $1::text, 2") { Parameters = { PostgresSql.Value(value) } });
        await using var reader = await command.ExecuteReaderAsync(token);
        var found = new List<string>();
        do
        {
            while (await reader.ReadAsync(token)) found.Add(reader.GetString(0));
        }
        while (await reader.NextResultAsync(token));
        return found;
    }, Token);

    [Fact]
    public void A_read_on_a_connection_that_lost_its_place_in_the_protocol_may_be_repeated()
    {
        var unexpected = Assert.IsType<Exception>(Activator.CreateInstance(typeof(Exception), "secret"));
        Assert.True(PostgresErrors.LeavesConnectionInDoubt(unexpected));
        var error = PostgresErrors.Refused(unexpected, "read");
        Assert.IsType<StorageUnavailableException>(error);
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
        Assert.IsType<BatchOutcomeUnknownException>(PostgresErrors.Sent(unexpected, "commit"));
    }
}
