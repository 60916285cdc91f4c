using EventStore.Conformance;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Engine;
using EventStore.FileSystem.Index;
using EventStore.FileSystem.Maintenance;
using EventStore.FileSystem.Recovery;
using EventStore.FileSystem.Segments;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Tests;

/// <summary>The file engine with everything tiny and compressed, and compacted all the time, through the whole kit.</summary>
public sealed class PackedFileBackend : IBackend
{
    private readonly TestDirectory directory = new();
    private readonly CancellationTokenSource ending = new();
    private readonly List<Task> compacting = [];

    public ValueTask<IPersistenceEngine> OpenAsync(EngineContext context)
    {
        var disk = new FileDisk(directory.Path);
        var log = new LogSettings(SyncsEachBatch: false, SegmentSizeBytes: 8192) { InBackground = Task.Run };
        var settings = new StoreSettings(log, new IndexSettings(8, 4096, 3), CloseEntries: 4)
        {
            Packing = new PackSettings(Compresses: true, BlockLength: 1024),
        };
        if (context.IsReadOnly) return new(SmallStore.MakeReader(disk, settings, context));
        var durability = new EngineDurability(Durability.Fast, "written to the operating system", []);
        var engine = new FileSystemPersistenceEngine(new StoreFiles(disk, settings), durability, context);
        compacting.Add(CompactAsync(engine));
        return new(engine);
    }

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        await Task.WhenAll(compacting);
        ending.Dispose();
        directory.Dispose();
    }

    private async Task CompactAsync(FileSystemPersistenceEngine engine)
    {
        try
        {
            for (var pause = TimeSpan.FromMilliseconds(5); !ending.IsCancellationRequested;)
            {
                // It reads the whole store: most of the time is left to what is tested.
                await Task.Delay(pause, ending.Token);
                var begun = TimeProvider.System.GetTimestamp();
                if (engine.IsOpen) await engine.MaintainAsync((store, token) => new Compaction(store, null, token).Run(), ending.Token);
                pause = TimeSpan.FromMilliseconds(5) + (4 * TimeProvider.System.GetElapsedTime(begun));
            }
        }
        catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException)
        {
            // The engine is closed.
        }
    }
}

public sealed class PackedCompleteness : CompletenessSpecification<PackedFileBackend>;

public sealed class PackedCommits : CommitSpecification<PackedFileBackend>;

public sealed class PackedConcurrency : ConcurrencySpecification<PackedFileBackend>;

public sealed class PackedDeletion : DeletionSpecification<PackedFileBackend>;

public sealed class PackedDispatching : DispatchSpecification<PackedFileBackend>;

public sealed class PackedDispatchLeases : DispatchLeaseSpecification<PackedFileBackend>;

public sealed class PackedDocuments : DocumentSpecification<PackedFileBackend>;

public sealed class PackedFilters : FilterSpecification<PackedFileBackend>;

public sealed class PackedHeads : HeadSpecification<PackedFileBackend>;

public sealed class PackedIdentity : IdentitySpecification<PackedFileBackend>;

public sealed class PackedLifecycle : LifecycleSpecification<PackedFileBackend>;

public sealed class PackedModel : ModelSpecification<PackedFileBackend>;

public sealed class PackedPayloads : PayloadSpecification<PackedFileBackend>;

public sealed class PackedPipelines : PipelineSpecification<PackedFileBackend>;

public sealed class PackedReading : ReadingSpecification<PackedFileBackend>;

public sealed class PackedSnapshots : SnapshotSpecification<PackedFileBackend>;

public sealed class PackedStreams : StreamSpecification<PackedFileBackend>;

public sealed class PackedConsumers : ConsumerSpecification<PackedFileBackend>;

public sealed class PackedConsumerDeliveries : ConsumerDeliverySpecification<PackedFileBackend>;

public sealed class PackedConsumerStates : ConsumerStateSpecification<PackedFileBackend>;

public sealed class PackedConsumerLives : ConsumerLifeSpecification<PackedFileBackend>;

public sealed class PackedOutages : OutageSpecification<PackedFileBackend>;

public sealed class PackedConsumerStarts : ConsumerStartSpecification<PackedFileBackend>;

public sealed class PackedSetBacks : SetBackSpecification<PackedFileBackend>;

public sealed class PackedDeliveryModels : DeliveryModelSpecification<PackedFileBackend>;

public sealed class PackedReadStreams : ReadStreamSpecification<PackedFileBackend>;

public sealed class PackedProtection : ProtectionSpecification<PackedFileBackend>;

public sealed class PackedReadOnly : ReadOnlySpecification<PackedFileBackend>;

public sealed class PackedTags : TagSpecification<PackedFileBackend>;

public sealed class PackedAppendConditions : ConditionSpecification<PackedFileBackend>;

public sealed class PackedUnits : UnitSpecification<PackedFileBackend>;

public sealed class PackedTruncations : TruncationSpecification<PackedFileBackend>;

public sealed class PackedStreamLives : StreamLifeSpecification<PackedFileBackend>;

public sealed class PackedImports : ImportSpecification<PackedFileBackend>;

public sealed class PackedImporting : ImportingSpecification<PackedFileBackend>;

public sealed class PackedMirrors : MirrorSpecification<PackedFileBackend>;

public sealed class PackedDecisions : DecisionSpecification<PackedFileBackend>;
