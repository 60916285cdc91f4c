using EventStore.Conformance;
using Npgsql;

namespace EventStore.Postgres.Tests;

/// <summary>The verbs, the options, what is found when a store is opened, and what is said of it.</summary>
public sealed class OpeningTests : IAsyncLifetime
{
    private readonly TestSchema schema = new();
    private string address = "";

    public async ValueTask InitializeAsync() => address = await TestSchema.AddressAsync();

    public ValueTask DisposeAsync() => schema.DisposeAsync();

    [Theory]
    [InlineData("UPDATE {schema}.store SET schema_version = 99", "version 99")]
    [InlineData("UPDATE {schema}.store SET schema_version = 1", "version 1")]
    [InlineData("DROP INDEX {schema}.events_category", "index events_category")]
    [InlineData("DROP TABLE {schema}.tags", "unique index tags_term")]
    [InlineData("DROP FUNCTION {schema}.term", "function term")]
    [InlineData("ALTER TABLE {schema}.store RENAME COLUMN schema_version TO other", "version 0")]
    [InlineData("DROP INDEX {schema}.events_commit", "unique index events_commit")]
    [InlineData("ALTER TABLE {schema}.events DROP CONSTRAINT events_revision", "unique index events_revision")]
    [InlineData("ALTER TABLE {schema}.events DROP COLUMN commit_headers", "column events.commit_headers")]
    [InlineData(
        "DROP VIEW {schema}.readable_events; ALTER TABLE {schema}.streams DROP CONSTRAINT streams_name; "
            + "ALTER TABLE {schema}.streams ALTER id TYPE text COLLATE \"default\"", "column streams.id")]
    [InlineData("DROP VIEW {schema}.readable_events; DROP TABLE {schema}.documents", "documents")]
    [InlineData(
        "CREATE FUNCTION {schema}.lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; "
            + "CREATE TRIGGER lost BEFORE INSERT ON {schema}.events FOR EACH ROW EXECUTE FUNCTION {schema}.lose()",
        "trigger lost on events")]
    [InlineData("CREATE RULE lost AS ON INSERT TO {schema}.documents DO INSTEAD NOTHING", "rule lost on documents")]
    [InlineData("CREATE TABLE {schema}.other () INHERITS ({schema}.snapshots)", "of snapshots")]
    [InlineData(
        "ALTER TABLE {schema}.documents RENAME TO kept; CREATE VIEW {schema}.documents AS SELECT * FROM {schema}.kept", "documents")]
    public async Task A_store_that_is_not_as_it_must_be_is_refused_and_what_is_wrong_is_named(string damage, string named)
    {
        await using (await TestStores.OpenEngineAsync(address, schema.Options))
        {
        }

        await schema.RunAsync(damage);
        var refused = await Assert.ThrowsAsync<StorageException>(() => TestStores.OpenEngineAsync(address, schema.Options));
        Assert.Contains(named, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_function_or_an_operator_of_another_schema_is_never_called()
    {
        await schema.RunAsync(
            """
            CREATE SCHEMA IF NOT EXISTS {schema};
            CREATE FUNCTION {schema}.concat_them(text, bigint) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE ''called''; END';
            CREATE OPERATOR {schema}.|| (LEFTARG = text, RIGHTARG = bigint, FUNCTION = {schema}.concat_them)
            """);
        var there = new NpgsqlConnectionStringBuilder(address) { SearchPath = schema.Quoted };
        await using var engine = await TestStores.OpenEngineAsync(there.ConnectionString, schema.Options);
        await engine.CommitAsync(TestStores.Attempt("stream", ExpectedRevision.Any));
        await schema.RunAsync("UPDATE {schema}.streams SET revision = 7");
        Assert.False((await engine.VerifyAsync()).IsSound);
    }

    // What Dapper does at run time needs reflection and code made there, which a trimmed or native program lacks. A call that is turned
    // into code at build time leaves no reference behind.
    [Fact]
    public void Every_call_of_Dapper_is_turned_into_code_at_build_time() =>
        Assert.DoesNotContain("Dapper", typeof(PostgresOptions).Assembly.GetReferencedAssemblies().Select(reference => reference.Name));

    [Fact(Timeout = 60_000)]
    public async Task A_read_of_a_document_that_waits_for_a_lock_ends_when_it_is_canceled_and_not_before()
    {
        await using var engine = await TestStores.OpenEngineAsync(address, schema.Options);
        await engine.PutDocumentAsync("name", new byte[] { 1 }, 0);
        await using var application = new NpgsqlConnection(address);
        await application.OpenAsync();
        await using var transaction = await application.BeginTransactionAsync();
        await using (
            var locked =
            new NpgsqlCommand($"LOCK TABLE {new PostgresSql(schema.Options.Schema).QuotedSchema}.documents IN ACCESS EXCLUSIVE MODE",
            application, transaction)) await locked.ExecuteNonQueryAsync();

        using var canceling = new CancellationTokenSource();
        var reads = new List<Task>
        {
            engine.FindDocumentAsync("name", canceling.Token).AsTask(),
            engine.ListDocumentsAsync("", "", 10, canceling.Token).AsTask(),
        };
        await Task.Delay(100);
        Assert.DoesNotContain(reads, read => read.IsCompleted);
        await canceling.CancelAsync();
        foreach (var read in reads) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
        await transaction.RollbackAsync();
        Assert.NotNull(await engine.FindDocumentAsync("name"));
    }

    [Fact(Timeout = 60_000)]
    public async Task The_time_limit_of_the_connection_string_holds_for_documents()
    {
        await using var engine = await TestStores.OpenEngineAsync(address + ";Command Timeout=1", schema.Options);
        await engine.PutDocumentAsync("name", new byte[] { 1 }, 0);
        await using var application = new NpgsqlConnection(address);
        await application.OpenAsync();
        await using var transaction = await application.BeginTransactionAsync();
        await using (
            var locked =
            new NpgsqlCommand($"LOCK TABLE {new PostgresSql(schema.Options.Schema).QuotedSchema}.documents IN ACCESS EXCLUSIVE MODE",
            application, transaction)) await locked.ExecuteNonQueryAsync();
        await Assert.ThrowsAsync<StorageUnavailableException>(async () => await engine.FindDocumentAsync("name"));
    }

    [Fact]
    public async Task The_script_makes_a_store_that_opens_without_making_anything()
    {
        await schema.RunAsync(PostgresSchema.GenerateCreateScript(schema.Options.Schema));
        await using var engine = await TestStores.OpenEngineAsync(address, schema.Options, mayCreate: false);
        Assert.Equal(CommitOutcomeKind.Committed, (await engine.CommitAsync(TestStores.Attempt("stream", ExpectedRevision.NoStream))).Kind);
    }

    [Fact]
    public async Task A_schema_that_an_administrator_made_is_filled()
    {
        await schema.RunAsync("CREATE SCHEMA {schema}");
        await using var engine = await TestStores.OpenEngineAsync(address, schema.Options);
        Assert.Empty(await engine.ReadAllAsync());
    }

    [Fact]
    public async Task Two_schemas_are_two_stores_whatever_locks_and_settings_the_application_has()
    {
        await using var other = new TestSchema();
        await using var application = new NpgsqlConnection(address);
        await application.OpenAsync();
        await using var locks =
            new NpgsqlCommand("SELECT pg_advisory_lock(n) FROM generate_series(0, 100) n; SET search_path = pg_catalog", application);
        await locks.ExecuteNonQueryAsync();

        await using var first = await TestStores.OpenEngineAsync(address + ";Search Path=pg_catalog", schema.Options);
        await using var second = await TestStores.OpenEngineAsync(address, other.Options);
        await first.CommitAsync(TestStores.Attempt("stream", ExpectedRevision.NoStream));
        Assert.Single(await first.ReadAllAsync());
        Assert.Empty(await second.ReadAllAsync());
    }

    [Fact]
    public async Task A_role_that_may_not_make_the_store_is_refused_with_a_reason()
    {
        var role = $"limited_{Environment.ProcessId}";
        await schema.RunAsync($"CREATE ROLE {role} LOGIN PASSWORD 'secret-word'");
        try
        {
            var limited = new NpgsqlConnectionStringBuilder(address) { Username = role, Password = "secret-word" };
            var refused = await Assert.ThrowsAsync<StorageException>(() =>
                TestStores.OpenEngineAsync(limited.ConnectionString, schema.Options));
            Assert.Contains("CREATE", refused.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("secret-word", refused.ToString(), StringComparison.Ordinal);
        }
        finally
        {
            await schema.RunAsync($"DROP ROLE {role}");
        }
    }

    [Fact]
    public async Task No_secret_is_in_the_description_or_in_an_error()
    {
        await using (var engine = await TestStores.OpenEngineAsync(address + ";Password=secret-word",
            schema.Options)) Assert.DoesNotContain("secret-word", engine.Description.ToString(), StringComparison.Ordinal);
        var unreachable = await Assert.ThrowsAsync<StorageUnavailableException>(() =>
            TestStores.OpenEngineAsync("Host=127.0.0.1;Port=1;Username=me;Password=secret-word",
            new PostgresOptions { StartupTimeout = TimeSpan.Zero }));
        Assert.DoesNotContain("secret-word", unreachable.ToString(), StringComparison.Ordinal);
        foreach (var unreadable in (string[])
        [
            "Host=here;Pasword=secret-word", "secret-word", "Port=secret-word", "Database=secret-word", "Host=;Password=secret-word",
            "Host= ;Password=secret-word", "Host=here;Timeout=secret-word", "Host=here;Port=99999;Password=secret-word",
            "Host=here;Password=secret-word;Minimum Pool Size=9;Maximum Pool Size=1", "Host=here;SSL Mode=secret-word",
        ])
        {
            var refused = Assert.Throws<WireupException>(() => Wireup.Init().UsingPostgresPersistence(unreadable));
            Assert.DoesNotContain("secret-word", refused.ToString(), StringComparison.Ordinal);
        }
    }

    [Theory, InlineData(""), InlineData("pg_mine"), InlineData("a\0b"),
        InlineData("0123456789012345678901234567890123456789012345678901234567890123")]
    public void A_name_that_no_schema_has_is_refused(string name) =>
        Assert.Throws<InvalidOptionException>(() =>
            Wireup.Init().UsingPostgresPersistence("Host=localhost", new PostgresOptions { Schema = name }));

    [Fact]
    public void To_require_what_is_not_asked_for_is_refused() => Assert.Throws<InvalidOptionException>(() =>
        Wireup.Init()
            .UsingPostgresPersistence("Host=localhost", new PostgresOptions { RequireDurable = true, Durability = Durability.Fast }));

    [Fact]
    public async Task A_data_source_of_the_application_is_used_and_stays_open()
    {
        await using var dataSource = NpgsqlDataSource.Create(address);
        for (var round = 0; round < 2; round++)
        {
            await using var store = await TestStores.BuildAsync(wireup => wireup.UsingPostgresPersistence(dataSource, schema.Options));
            await store.AppendAsync("stream", $"round {round}");
            Assert.Equal(round + 1, (await store.OpenStreamAsync("stream")).CommittedEvents.Count);
        }

        await using var command = dataSource.CreateCommand("SELECT current_setting('synchronous_commit')");
        Assert.Equal("on", await command.ExecuteScalarAsync());
    }

    [Theory, InlineData(Durability.Durable, Durability.Durable, "synchronous_commit on"),
        InlineData(Durability.Fast, Durability.Fast, "synchronous_commit off")]
    public async Task Durability_is_asked_for_each_commit_and_described_with_the_settings_found(Durability asked, Durability level,
        string basis)
    {
        schema.Options.Durability = asked;
        await using var engine = await TestStores.OpenEngineAsync(address, schema.Options);
        Assert.Equal(level, engine.Description.Durability.Level);
        Assert.Contains(basis, engine.Description.Durability.Basis, StringComparison.Ordinal);
        Assert.Contains("fsync on, full_page_writes on", engine.Description.Durability.Basis, StringComparison.Ordinal);
    }

    [Fact]
    public async Task People_read_names_and_json_in_a_view()
    {
        await using var engine = await TestStores.OpenEngineAsync(address, schema.Options);
        await engine.CommitAsync([new CommitAttempt(new StreamId("shop", "order", "42"), SequentialGuid.Next(), [
            new EventRecord(SequentialGuid.Next(), "paid", """{"amount":11.5}"""u8.ToArray()),
            new EventRecord(SequentialGuid.Next(), "blob", new byte[] { 255, 0 })]) { Expected = ExpectedRevision.NoStream }]);
        Assert.Equal("shop/order/42 paid 11.5",
            await schema.RunAsync(
            "SELECT bucket || '/' || category || '/' || id || ' ' || type || ' ' || (body->>'amount') FROM {schema}.readable_events "
                + "WHERE revision = 1"));
        Assert.Equal(DBNull.Value, await schema.RunAsync("SELECT body FROM {schema}.readable_events WHERE revision = 2"));
    }

    [Fact]
    public async Task Damage_done_behind_the_engine_is_found_with_its_place()
    {
        await using var engine = await TestStores.OpenEngineAsync(address, schema.Options);
        for (var i = 0; i < 3; i++) await engine.CommitAsync([new CommitAttempt($"stream-{i}", SequentialGuid.Next(),
            [new EventRecord(SequentialGuid.Next(), "a", default), new EventRecord(SequentialGuid.Next(), "b", default)])]);
        Assert.True((await engine.VerifyAsync()).IsSound);
        await schema.RunAsync(
            "DELETE FROM {schema}.events WHERE checkpoint = 2; UPDATE {schema}.events SET stamp = stamp - interval '1 day' WHERE "
                + "checkpoint = 5");
        var report = await engine.VerifyAsync();
        Assert.Contains(report.Damages, damage => damage.Place.EndsWith("stream 1", StringComparison.Ordinal));
        Assert.Contains(report.Damages, damage => damage.Place.EndsWith("stream 1, commit 1", StringComparison.Ordinal));
        Assert.Contains(report.Damages, damage => damage.Place.EndsWith("checkpoint 5", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_row_of_the_readme_is_the_description()
    {
        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "EventStore.slnx"))) root = Path.GetDirectoryName(root)!;
        await using var engine = await TestStores.OpenEngineAsync(address, schema.Options);
        Assert.Contains(DescriptionTable.RowOf(engine.Description, "postgres"),
            await File.ReadAllLinesAsync(Path.Combine(root, "README.md")));
    }
}
