using EventStore.TestSupport;
using Npgsql;

namespace EventStore.Postgres.Tests;

/// <summary>
/// Rows that another process changed. Every member returns something that a caller can hold, or throws an exception of the contract, in
/// time and memory. Nothing holds a lock or a transaction afterwards.
/// </summary>
[Collection(nameof(MutationTests))]
public sealed class MutationTests : IAsyncLifetime
{
    private const long MostBytes = 64 << 20;
    private const int CasesBetweenChecks = 50;
    private static readonly string[] Tables = ["store", "streams", "events", "tags", "snapshots", "documents"];
    private readonly TestSchema schema = new();
    private NpgsqlDataSource? database;
    private readonly EngineCalls calls = new(Token);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private NpgsqlDataSource Database => database ?? throw new InvalidOperationException("The server is not started yet.");

    private string Restoring => string.Join(';', Tables.Select(table =>
        $"DELETE FROM {schema.Quoted}.{table}; INSERT INTO {schema.Quoted}.{table} SELECT * FROM {schema.Quoted}.kept_{table}"));

    public async ValueTask InitializeAsync() => database = NpgsqlDataSource.Create(await TestSchema.AddressAsync());

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        await schema.DisposeAsync();
    }

    [Theory(Timeout = 10_000_000)]
    [InlineData("events", "checkpoint", "9223372036854775807")]
    [InlineData("events", "checkpoint", "-9223372036854775808")]
    [InlineData("events", "revision", "9223372036854775807")]
    [InlineData("events", "sequence", "-1")]
    [InlineData("events", "index_in_commit", "-1")]
    [InlineData("events", "commit_events", "0")]
    [InlineData("events", "stamp", "'10000-01-01'")]
    [InlineData("events", "event_id", "'00000000-0000-0000-0000-000000000000'")]
    [InlineData("events", "type", "''")]
    [InlineData("streams", "id", "''")]
    [InlineData("streams", "revision", "-1")]
    [InlineData("streams", "sequence", "9223372036854775807")]
    [InlineData("store", "last_checkpoint", "9223372036854775807")]
    [InlineData("store", "last_checkpoint", "140737488355328")]
    [InlineData("store", "last_checkpoint", "-1")]
    [InlineData("store", "last_stream", "140737488355328")]
    [InlineData("store", "last_stream", "9223372036854775807")]
    public async Task A_value_that_no_store_writes_is_reported_as_damage(string table, string column, string value)
    {
        await FillAsync();
        await schema.RunAsync($"UPDATE {{schema}}.{table} SET {column} = {value} "
            + $"WHERE ctid = (SELECT max(ctid) FROM {{schema}}.{table})");
        var found = 0;
        foreach (var (_, call) in calls.Readers.Concat(calls.Writers))
        {
            try
            {
                await using var engine = Engine();
                await engine.InitializeAsync(Token);
                await call(engine);
            }
            catch (CorruptStorageException)
            {
                found++;
            }
            catch (StorageException error) when (error.InnerException is PostgresException)
            {
                // Refused by a constraint of the schema: nothing was written.
            }
        }

        Assert.NotEqual(0, found);
    }

    [Fact(Timeout = 10_000_000)]
    public async Task A_row_that_was_changed_is_read_or_refused_in_time_and_memory()
    {
        await FillAsync();
        await using var connection = await Database.OpenConnectionAsync(Token);
        await using (var limit = new NpgsqlCommand("SET lock_timeout = '10s'", connection)) await limit.ExecuteNonQueryAsync(Token);
        var run = new MutationRun(300, 50_000, MostBytes);
        await run.RunAsync(
            async (seed, random) =>
            {
                await using (var restoring = new NpgsqlCommand(Restoring, connection)) await restoring.ExecuteNonQueryAsync(Token);
                if (seed % CasesBetweenChecks == 0) await calls.RequireWholeAsync(Engine());
                var mutator = new RowMutator(connection, schema.Quoted, random);
                if (await mutator.MutateAsync() is not { } change) return null;
                return $"{change}{(random.Next(4) == 0 ? ", " + await mutator.MutateAsync() : "")}";
            },
            async random =>
            {
                var writers = calls.Writers;
                random.Shuffle(writers);
                foreach (var group in (IEnumerable<(string, Func<IPersistenceEngine, Task>)>[])[calls.Readers, writers])
                    await run.UseAsync(Engine(), group, error =>
                        error is not (StorageUnavailableException or BatchOutcomeUnknownException));
            });
    }

    private PostgresPersistenceEngine Engine() =>
        new(PostgresConnections.Of(Database), schema.Options, EngineContext.Default);

    private async Task FillAsync()
    {
        await using var engine = await TestStores.OpenEngineAsync(await TestSchema.AddressAsync(), schema.Options);
        await calls.FillAsync(engine);
        foreach (var table in Tables) await schema.RunAsync($"CREATE TABLE {{schema}}.kept_{table} AS TABLE {{schema}}.{table}");
    }
}

/// <summary>Nothing else runs beside it, so that what is allocated is its own.</summary>
[CollectionDefinition(nameof(MutationTests), DisableParallelization = true)]
public sealed class MutationCollection;
