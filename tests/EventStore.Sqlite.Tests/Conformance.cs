using EventStore.Conformance;
using Microsoft.Data.Sqlite;

namespace EventStore.Sqlite.Tests;

/// <summary>A file as it comes, durable, through the whole kit.</summary>
public sealed class FileBackend : IRestorableBackend
{
    private readonly TestDirectory directory = new();

    private string Kept => Path.Combine(directory.Path, "kept.db");

    public async ValueTask BackupAsync() => await SqliteBackup.CreateAsync(directory.Database, Kept);

    public ValueTask RestoreAsync()
    {
        using var from = new SqliteConnection($"Data Source={Kept};Pooling=False");
        using var to = new SqliteConnection($"Data Source={directory.Database};Pooling=False");
        from.Open();
        to.Open();
        from.BackupDatabase(to);
        return default;
    }

    public ValueTask<IPersistenceEngine> OpenAsync(EngineContext context) => new(directory.Engine(context: context));

    public ValueTask DisposeAsync()
    {
        directory.Dispose();
        return default;
    }
}

/// <summary>A database in memory, which is gone with its engine.</summary>
public sealed class MemoryBackend : IBackend
{
    public ValueTask<IPersistenceEngine> OpenAsync(EngineContext context) =>
        new(new SqlitePersistenceEngine(SqliteLocation.Parse(":memory:"), new SqliteOptions(), context));

    public ValueTask DisposeAsync() => default;
}

/// <summary>A directory that goes with its owner, and a database in it.</summary>
internal sealed class TestDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("eventstore-").FullName;

    public string Database => System.IO.Path.Combine(Path, "store.db");

    public SqlitePersistenceEngine Engine(SqliteOptions? options = null, EngineContext? context = null) =>
        new(SqliteLocation.Parse(Database), options ?? new SqliteOptions(), context ?? EngineContext.Default);

    /// <summary>An engine that is open.</summary>
    public async Task<SqlitePersistenceEngine> OpenAsync(SqliteOptions? options = null, EngineContext? context = null)
    {
        var engine = Engine(options, context);
        await engine.InitializeAsync();
        return engine;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

public sealed class Completeness : CompletenessSpecification<FileBackend>;

public sealed class Commits : CommitSpecification<FileBackend>;

public sealed class Concurrency : ConcurrencySpecification<FileBackend>;

public sealed class Deletion : DeletionSpecification<FileBackend>;

public sealed class Dispatching : DispatchSpecification<FileBackend>;

public sealed class DispatchLeases : DispatchLeaseSpecification<FileBackend>;

public sealed class Documents : DocumentSpecification<FileBackend>;

public sealed class Filters : FilterSpecification<FileBackend>;

public sealed class Heads : HeadSpecification<FileBackend>;

public sealed class Identity : IdentitySpecification<FileBackend>;

public sealed class Lifecycle : LifecycleSpecification<FileBackend>;

public sealed class Model : ModelSpecification<FileBackend>;

public sealed class Payloads : PayloadSpecification<FileBackend>;

public sealed class Pipelines : PipelineSpecification<FileBackend>;

public sealed class Reading : ReadingSpecification<FileBackend>;

public sealed class Snapshots : SnapshotSpecification<FileBackend>;

public sealed class Streams : StreamSpecification<FileBackend>;

public sealed class MemoryCompleteness : CompletenessSpecification<MemoryBackend>;

public sealed class MemoryCommits : CommitSpecification<MemoryBackend>;

public sealed class MemoryConcurrency : ConcurrencySpecification<MemoryBackend>;

public sealed class MemoryDeletion : DeletionSpecification<MemoryBackend>;

public sealed class MemoryDispatching : DispatchSpecification<MemoryBackend>;

public sealed class MemoryDispatchLeases : DispatchLeaseSpecification<MemoryBackend>;

public sealed class MemoryDocuments : DocumentSpecification<MemoryBackend>;

public sealed class MemoryFilters : FilterSpecification<MemoryBackend>;

public sealed class MemoryHeads : HeadSpecification<MemoryBackend>;

public sealed class MemoryIdentity : IdentitySpecification<MemoryBackend>;

public sealed class MemoryLifecycle : LifecycleSpecification<MemoryBackend>;

public sealed class MemoryModel : ModelSpecification<MemoryBackend>;

public sealed class MemoryPayloads : PayloadSpecification<MemoryBackend>;

public sealed class MemoryPipelines : PipelineSpecification<MemoryBackend>;

public sealed class MemoryReading : ReadingSpecification<MemoryBackend>;

public sealed class MemorySnapshots : SnapshotSpecification<MemoryBackend>;

public sealed class MemoryStreams : StreamSpecification<MemoryBackend>;

public sealed class Consumers : ConsumerSpecification<FileBackend>;

public sealed class ConsumerDeliveries : ConsumerDeliverySpecification<FileBackend>;

public sealed class ConsumerStates : ConsumerStateSpecification<FileBackend>;

public sealed class ConsumerLives : ConsumerLifeSpecification<FileBackend>;

public sealed class Outages : OutageSpecification<FileBackend>;

public sealed class ConsumerStarts : ConsumerStartSpecification<FileBackend>;

public sealed class SetBacks : SetBackSpecification<FileBackend>;

public sealed class DeliveryModels : DeliveryModelSpecification<FileBackend>;

public sealed class ReadStreams : ReadStreamSpecification<FileBackend>;

public sealed class Protection : ProtectionSpecification<FileBackend>;

public sealed class MemoryConsumers : ConsumerSpecification<MemoryBackend>;

public sealed class MemoryConsumerDeliveries : ConsumerDeliverySpecification<MemoryBackend>;

public sealed class MemoryConsumerStates : ConsumerStateSpecification<MemoryBackend>;

public sealed class MemoryConsumerLives : ConsumerLifeSpecification<MemoryBackend>;

public sealed class MemoryOutages : OutageSpecification<MemoryBackend>;

public sealed class MemoryConsumerStarts : ConsumerStartSpecification<MemoryBackend>;

public sealed class MemorySetBacks : SetBackSpecification<MemoryBackend>;

public sealed class MemoryDeliveryModels : DeliveryModelSpecification<MemoryBackend>;

public sealed class MemoryReadStreams : ReadStreamSpecification<MemoryBackend>;

public sealed class MemoryProtection : ProtectionSpecification<MemoryBackend>;

public sealed class ReadOnly : ReadOnlySpecification<FileBackend>;

public sealed class MemoryReadOnly : ReadOnlySpecification<MemoryBackend>;

public sealed class Tags : TagSpecification<FileBackend>;

public sealed class Decisions : DecisionSpecification<FileBackend>;

public sealed class AppendConditions : ConditionSpecification<FileBackend>;

public sealed class Units : UnitSpecification<FileBackend>;

public sealed class Truncation : TruncationSpecification<FileBackend>;

public sealed class StreamLives : StreamLifeSpecification<FileBackend>;

public sealed class Imports : ImportSpecification<FileBackend>;

public sealed class Importing : ImportingSpecification<FileBackend>;

public sealed class Mirrors : MirrorSpecification<FileBackend>;

public sealed class MemoryTags : TagSpecification<MemoryBackend>;

public sealed class MemoryDecisions : DecisionSpecification<MemoryBackend>;

public sealed class MemoryAppendConditions : ConditionSpecification<MemoryBackend>;

public sealed class MemoryUnits : UnitSpecification<MemoryBackend>;

public sealed class MemoryTruncation : TruncationSpecification<MemoryBackend>;

public sealed class MemoryStreamLives : StreamLifeSpecification<MemoryBackend>;

public sealed class MemoryImports : ImportSpecification<MemoryBackend>;

public sealed class MemoryImporting : ImportingSpecification<MemoryBackend>;

public sealed class MemoryMirrors : MirrorSpecification<MemoryBackend>;
