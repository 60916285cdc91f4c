using System.Text.Json;
using EventStore.TestSupport;
using Npgsql;

namespace EventStore.Postgres.Tests;

/// <summary>
/// What the server does for a read, by its own account: only index pages and the rows that are asked for, however large the store is.
/// </summary>
public sealed class PlanTests : IAsyncLifetime
{
    private const int EventsOfStream = 10;
    private static readonly int Streams = LongRun.IsAskedFor ? 500_000 : 20_000;
    private readonly TestSchema schema = new();
    private NpgsqlConnection? opened;

    private NpgsqlConnection Connection => opened ?? throw new InvalidOperationException("The test has not begun.");

    public async ValueTask InitializeAsync()
    {
        await using (await TestStores.OpenEngineAsync(await TestSchema.AddressAsync(), schema.Options))
        {
        }

        opened = new NpgsqlConnection(await TestSchema.AddressAsync()
            + ";Command Timeout=600;Options=-c plan_cache_mode=force_generic_plan -c enable_seqscan=off");
        await Connection.OpenAsync();
        await ExecuteAsync(
            "INSERT INTO {schema}.streams SELECT n, 'default', '', 'stream-' || n, @each, @each, n FROM generate_series(1, @streams) n");
        await ExecuteAsync("""
            INSERT INTO {schema}.events
            SELECT (i - 1) * @streams + n, n, i, i, now(), gen_random_uuid(), gen_random_uuid(), 0, 1,
                {schema}.term('default', CASE WHEN n = 4242 THEN 'rare' ELSE '' END), 'type', decode(repeat('ab', 200), 'hex'), '', '',
                CASE WHEN n = 4242 THEN ARRAY['frequent', 'rare'] ELSE ARRAY['frequent'] END
            FROM generate_series(1, @each) i, generate_series(1, @streams) n
            """);
        await ExecuteAsync("UPDATE {schema}.streams SET category = 'rare' WHERE stream = 4242");
        await ExecuteAsync("""
            INSERT INTO {schema}.tags SELECT {schema}.term('default', t), checkpoint FROM {schema}.events, unnest(tags) t
            """);
        await ExecuteAsync("ANALYZE {schema}.streams; ANALYZE {schema}.events; ANALYZE {schema}.tags");
    }

    public async ValueTask DisposeAsync()
    {
        if (opened is not null) await opened.DisposeAsync();
        await schema.DisposeAsync();
    }

    [Fact(Timeout = 900_000)]
    public async Task Opening_a_stream_touches_index_pages_and_its_rows()
    {
        var sql = new PostgresSql(schema.Options.Schema);
        foreach (var order in (string[])["ASC", "DESC"])
        {
            var plan = await ExplainAsync(sql.Load("read-stream", ("order", order)), "default", "", "stream-777", 1L, long.MaxValue, 1000L,
                8192);
            RequireIndexes(plan, pages: EventsOfStream + 14);
        }
    }

    [Fact(Timeout = 900_000)]
    public async Task A_page_of_the_store_touches_index_pages_and_its_rows_wherever_it_begins()
    {
        var query = new PostgresQuery(new StoreRead(EventFilter.Everything, new Checkpoint(Streams * 5L), Checkpoint.Max,
            ReadDirection.Forward, new PageLimit(100, 8 << 20)));
        RequireIndexes(await ExplainAsync(query.Load(new PostgresSql(schema.Options.Schema)), Streams * 5L, long.MaxValue, 100L, 8192),
            pages: 120);
    }

    public static TheoryData<string?, string[]> Terms => new()
    {
        { "rare", [] }, { null, ["rare"] }, { null, ["frequent", "rare"] }, { "rare", ["frequent"] },
    };

    [Theory(Timeout = 900_000), MemberData(nameof(Terms))]
    public async Task Events_of_a_category_or_tags_cost_those_of_the_rarest(string? category, string[] tags)
    {
        var sql = new PostgresSql(schema.Options.Schema);
        var criterion = new EventCriterion { Category = category, Tags = tags };
        foreach (var direction in Enum.GetValues<ReadDirection>())
        {
            var query = new PostgresQuery(new StoreRead(new EventFilter { Criteria = new EventCriteria(criterion) }, default,
                Checkpoint.Max, direction, new PageLimit(1_000, 8 << 20)));
            RequireIndexes(await ExplainAsync(query.Load(sql), query.AddTo), pages: EventsOfStream * 24);
        }

        var (batch, conditions) = (new NpgsqlBatch(), new PostgresConditions(sql));
        var unmet = criterion with { Types = ["missing"] };
        conditions.AddTo(batch, [new CommitAttempt("any", SequentialGuid.Next(), [new EventRecord(SequentialGuid.Next(), "type", default)])
        {
            Condition = new AppendCondition(new EventCriteria(unmet)),
        }]);
        RequireIndexes(await ExplainAsync(Assert.Single(batch.BatchCommands.Cast<NpgsqlBatchCommand>())), pages: 12);
        RequireIndexes(await ExplainAsync(conditions.ToFind(unmet, default)), pages: EventsOfStream * 24);
    }

    [Fact(Timeout = 900_000)]
    public async Task The_heads_of_a_batch_are_found_by_index()
    {
        string[] ids = [.. Enumerable.Range(1, 64).Select(i => $"stream-{i * 100}")];
        var plan = await ExplainAsync(
            new PostgresSql(schema.Options.Schema).Load("find-heads"), ids.Select(_ => "default").ToArray(), ids.Select(_ => "").ToArray(),
            ids, ids.Select(_ => Guid.NewGuid()).ToArray());
        RequireIndexes(plan, pages: 64 * 9);
    }

    private static void RequireIndexes(JsonElement plan, int pages)
    {
        var text = plan.GetRawText();
        // The row of the store is the only table that may be read as a whole: it has one row.
        foreach (var scan in Nodes(plan).Where(node => node.GetProperty("Node Type").GetString() == "Seq Scan"))
            Assert.Equal("store", scan.GetProperty("Relation Name").GetString());
        var touched = plan.GetProperty("Shared Hit Blocks").GetInt64() + plan.GetProperty("Shared Read Blocks").GetInt64();
        Assert.True(touched <= pages, $"{touched} pages were touched instead of {pages} at most: {text}");
        TestContext.Current.TestOutputHelper!.WriteLine($"{touched} pages");
    }

    private static IEnumerable<JsonElement> Nodes(JsonElement plan) =>
        plan.TryGetProperty("Plans", out var plans) ? plans.EnumerateArray().SelectMany(Nodes).Prepend(plan) : [plan];

    private Task<JsonElement> ExplainAsync(string statement, params object[] values) => ExplainAsync(statement, parameters =>
    {
        foreach (var value in values) parameters.Add(new NpgsqlParameter { Value = value });
    });

    private Task<JsonElement> ExplainAsync(NpgsqlBatchCommand command) => ExplainAsync(command.CommandText, parameters =>
    {
        foreach (NpgsqlParameter value in command.Parameters) parameters.Add(value.Clone());
    });

    private async Task<JsonElement> ExplainAsync(string statement, Action<NpgsqlParameterCollection> addValues)
    {
        await using var command = new NpgsqlCommand("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement, Connection);
        addValues(command.Parameters);
        using var document = JsonDocument.Parse((string)(await command.ExecuteScalarAsync())!);
        return document.RootElement[0].GetProperty("Plan").Clone();
    }

    private async Task ExecuteAsync(string statement)
    {
        await using var command = new NpgsqlCommand(statement.Replace("{schema}", schema.Quoted, StringComparison.Ordinal), Connection);
        if (statement.Contains('@', StringComparison.Ordinal))
        {
            command.Parameters.AddWithValue("streams", (long)Streams);
            command.Parameters.AddWithValue("each", (long)EventsOfStream);
        }

        await command.ExecuteNonQueryAsync();
    }
}
