using EventStore.Conformance;
using EventStore.TestServers;
using Npgsql;

[assembly: AssemblyFixture(typeof(EventStore.Postgres.Tests.ServerOfThisRun))]

namespace EventStore.Postgres.Tests;

/// <summary>Ends the server of the run after its last test.</summary>
public sealed class ServerOfThisRun : IAsyncDisposable
{
    public ValueTask DisposeAsync() => SharedServer.Postgres.DisposeAsync();
}

/// <summary>PostgreSQL through the whole kit, in a schema of its own for every fact, whose name needs quoting.</summary>
public sealed class PostgresBackend : IRestorableBackend
{
    private static readonly string[] Tables = ["store", "streams", "events", "tags", "snapshots", "documents"];
    private readonly TestSchema schema = new();

    public async ValueTask BackupAsync()
    {
        foreach (var table in Tables) await schema.RunAsync($"CREATE TABLE {{schema}}.kept_{table} AS TABLE {{schema}}.{table}");
    }

    public async ValueTask RestoreAsync() => await schema.RunAsync(string.Join(';', Tables.Select(
        table => $"DELETE FROM {{schema}}.{table}; INSERT INTO {{schema}}.{table} SELECT * FROM {{schema}}.kept_{table}")));

    public async ValueTask<IPersistenceEngine> OpenAsync(EngineContext context) =>
        new EngineCatalogue().AddPostgres(schema.Options).Create($"postgres:{await TestSchema.AddressAsync()}", context);

    public ValueTask DisposeAsync() => schema.DisposeAsync();
}

/// <summary>A schema that goes with its owner.</summary>
internal sealed class TestSchema : IAsyncDisposable
{
    private static int made;

    public PostgresOptions Options { get; } = new() { Schema = $"Kit \"{Environment.ProcessId}.{Interlocked.Increment(ref made)}\"" };

    public string Quoted => new PostgresSql(Options.Schema).QuotedSchema;

    public static async Task<string> AddressAsync() => (await SharedServer.Postgres.GetAsync()).Address;

    /// <summary>Runs a statement in which {schema} stands for this schema; returns its one value.</summary>
    public async Task<object?> RunAsync(string statement)
    {
        await using var connection = new NpgsqlConnection(await AddressAsync());
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(statement.Replace("{schema}", Quoted, StringComparison.Ordinal), connection);
        return await command.ExecuteScalarAsync();
    }

    /// <summary>Waits until so many statements on this schema wait for a lock.</summary>
    public async Task UntilWaitingAsync(long statements)
    {
        while (!statements.Equals(
            await RunAsync(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND strpos(query, '{schema}.') > 0"))) await Task.Delay(
            10);
    }

    public async ValueTask DisposeAsync() => await RunAsync("DROP SCHEMA IF EXISTS {schema} CASCADE");
}

public sealed class Completeness : CompletenessSpecification<PostgresBackend>;

public sealed class Commits : CommitSpecification<PostgresBackend>;

public sealed class Concurrency : ConcurrencySpecification<PostgresBackend>;

public sealed class Consumers : ConsumerSpecification<PostgresBackend>;

public sealed class ConsumerDelivery : ConsumerDeliverySpecification<PostgresBackend>;

public sealed class ConsumerStates : ConsumerStateSpecification<PostgresBackend>;

public sealed class ConsumerLives : ConsumerLifeSpecification<PostgresBackend>;

public sealed class Outages : OutageSpecification<PostgresBackend>;

public sealed class ConsumerStarts : ConsumerStartSpecification<PostgresBackend>;

public sealed class SetBacks : SetBackSpecification<PostgresBackend>;

public sealed class DeliveryModels : DeliveryModelSpecification<PostgresBackend>;

public sealed class Deletion : DeletionSpecification<PostgresBackend>;

public sealed class Dispatching : DispatchSpecification<PostgresBackend>;

public sealed class DispatchLeases : DispatchLeaseSpecification<PostgresBackend>;

public sealed class Documents : DocumentSpecification<PostgresBackend>;

public sealed class Filters : FilterSpecification<PostgresBackend>;

public sealed class Heads : HeadSpecification<PostgresBackend>;

public sealed class Identity : IdentitySpecification<PostgresBackend>;

public sealed class Lifecycle : LifecycleSpecification<PostgresBackend>;

public sealed class Model : ModelSpecification<PostgresBackend>;

public sealed class Payloads : PayloadSpecification<PostgresBackend>;

public sealed class Pipelines : PipelineSpecification<PostgresBackend>;

public sealed class Reading : ReadingSpecification<PostgresBackend>;

public sealed class ReadStreams : ReadStreamSpecification<PostgresBackend>;

public sealed class Protection : ProtectionSpecification<PostgresBackend>;

public sealed class Snapshots : SnapshotSpecification<PostgresBackend>;

public sealed class Streams : StreamSpecification<PostgresBackend>;

public sealed class ConsumerDeliveries : ConsumerDeliverySpecification<PostgresBackend>;

public sealed class ReadOnly : ReadOnlySpecification<PostgresBackend>;

public sealed class Tags : TagSpecification<PostgresBackend>;

public sealed class Decisions : DecisionSpecification<PostgresBackend>;

public sealed class AppendConditions : ConditionSpecification<PostgresBackend>;

public sealed class Units : UnitSpecification<PostgresBackend>;

public sealed class Truncation : TruncationSpecification<PostgresBackend>;

public sealed class StreamLives : StreamLifeSpecification<PostgresBackend>;

public sealed class Imports : ImportSpecification<PostgresBackend>;

public sealed class Importing : ImportingSpecification<PostgresBackend>;

public sealed class Mirrors : MirrorSpecification<PostgresBackend>;
