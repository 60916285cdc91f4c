using EventStore.Conformance;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Engine;
using EventStore.FileSystem.Index;
using EventStore.FileSystem.Recovery;
using EventStore.FileSystem.Segments;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Tests;

/// <summary>The file engine with its defaults, through the whole kit, in its own directory.</summary>
public sealed class FileBackend : IBackend
{
    private readonly TestDirectory directory = new();

    public ValueTask<IPersistenceEngine> OpenAsync(EngineContext context) =>
        new(FileSystemEngines.Choose(directory.Path, new FileSystemOptions(), context));

    public ValueTask DisposeAsync()
    {
        directory.Dispose();
        return default;
    }
}

/// <summary>The file engine with everything tiny, so that segments end, runs are written and merged all the time.</summary>
public sealed class TinyFileBackend : IBackend
{
    private readonly TestDirectory directory = new();

    private static readonly StoreSettings Settings = new(
        new LogSettings(SyncsEachBatch: false, SegmentSizeBytes: 8192) { InBackground = Task.Run }, new IndexSettings(8, 4096, 3),
        CloseEntries: 4);

    public ValueTask<IPersistenceEngine> OpenAsync(EngineContext context)
    {
        var disk = new FileDisk(directory.Path);
        return new(context.IsReadOnly
            ? SmallStore.MakeReader(disk, Settings, context)
            : new FileSystemPersistenceEngine(
                new StoreFiles(disk, Settings), new EngineDurability(Durability.Fast, "written to the operating system", []), context));
    }

    public ValueTask DisposeAsync()
    {
        directory.Dispose();
        return default;
    }
}

/// <summary>A directory that is deleted with its owner.</summary>
internal sealed class TestDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("eventstore-").FullName;

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

public sealed class TinyCompleteness : CompletenessSpecification<TinyFileBackend>;

public sealed class TinyCommits : CommitSpecification<TinyFileBackend>;

public sealed class TinyConcurrency : ConcurrencySpecification<TinyFileBackend>;

public sealed class TinyDeletion : DeletionSpecification<TinyFileBackend>;

public sealed class TinyDispatching : DispatchSpecification<TinyFileBackend>;

public sealed class TinyDispatchLeases : DispatchLeaseSpecification<TinyFileBackend>;

public sealed class TinyDocuments : DocumentSpecification<TinyFileBackend>;

public sealed class TinyFilters : FilterSpecification<TinyFileBackend>;

public sealed class TinyHeads : HeadSpecification<TinyFileBackend>;

public sealed class TinyIdentity : IdentitySpecification<TinyFileBackend>;

public sealed class TinyLifecycle : LifecycleSpecification<TinyFileBackend>;

public sealed class TinyModel : ModelSpecification<TinyFileBackend>;

public sealed class TinyPayloads : PayloadSpecification<TinyFileBackend>;

public sealed class TinyPipelines : PipelineSpecification<TinyFileBackend>;

public sealed class TinyReading : ReadingSpecification<TinyFileBackend>;

public sealed class TinySnapshots : SnapshotSpecification<TinyFileBackend>;

public sealed class TinyStreams : StreamSpecification<TinyFileBackend>;

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

public sealed class TinyConsumers : ConsumerSpecification<TinyFileBackend>;

public sealed class TinyConsumerDeliveries : ConsumerDeliverySpecification<TinyFileBackend>;

public sealed class TinyConsumerStates : ConsumerStateSpecification<TinyFileBackend>;

public sealed class TinyConsumerLives : ConsumerLifeSpecification<TinyFileBackend>;

public sealed class TinyOutages : OutageSpecification<TinyFileBackend>;

public sealed class TinyConsumerStarts : ConsumerStartSpecification<TinyFileBackend>;

public sealed class TinySetBacks : SetBackSpecification<TinyFileBackend>;

public sealed class TinyDeliveryModels : DeliveryModelSpecification<TinyFileBackend>;

public sealed class TinyReadStreams : ReadStreamSpecification<TinyFileBackend>;

public sealed class TinyProtection : ProtectionSpecification<TinyFileBackend>;

public sealed class ReadOnly : ReadOnlySpecification<FileBackend>;

public sealed class TinyReadOnly : ReadOnlySpecification<TinyFileBackend>;

public sealed class Tags : TagSpecification<FileBackend>;

public sealed class AppendConditions : ConditionSpecification<FileBackend>;

public sealed class Units : UnitSpecification<FileBackend>;

public sealed class Truncations : TruncationSpecification<FileBackend>;

public sealed class StreamLives : StreamLifeSpecification<FileBackend>;

public sealed class Imports : ImportSpecification<FileBackend>;

public sealed class Importing : ImportingSpecification<FileBackend>;

public sealed class Mirrors : MirrorSpecification<FileBackend>;

public sealed class Decisions : DecisionSpecification<FileBackend>;

public sealed class TinyTags : TagSpecification<TinyFileBackend>;

public sealed class TinyAppendConditions : ConditionSpecification<TinyFileBackend>;

public sealed class TinyUnits : UnitSpecification<TinyFileBackend>;

public sealed class TinyTruncations : TruncationSpecification<TinyFileBackend>;

public sealed class TinyStreamLives : StreamLifeSpecification<TinyFileBackend>;

public sealed class TinyImports : ImportSpecification<TinyFileBackend>;

public sealed class TinyImporting : ImportingSpecification<TinyFileBackend>;

public sealed class TinyMirrors : MirrorSpecification<TinyFileBackend>;

public sealed class TinyDecisions : DecisionSpecification<TinyFileBackend>;
