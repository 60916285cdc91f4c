using EventStore.Conformance;
using EventStore.Engines;

namespace OwnBackend;

/// <summary>A journal of its own in a folder of its own for every fact.</summary>
public sealed class JournalBackend : IBackend
{
    private readonly string folder = Directory.CreateTempSubdirectory("journal-").FullName;

    public ValueTask<IPersistenceEngine> OpenAsync(EngineContext context) =>
        new(new JournalPersistenceEngine(Path.Combine(folder, "store.jsonl"), context));

    public ValueTask DisposeAsync()
    {
        Directory.Delete(folder, recursive: true);
        return default;
    }
}

public sealed class Completeness : CompletenessSpecification<JournalBackend>;

public sealed class Commits : CommitSpecification<JournalBackend>;

public sealed class Concurrency : ConcurrencySpecification<JournalBackend>;

public sealed class Deletion : DeletionSpecification<JournalBackend>;

public sealed class Dispatching : DispatchSpecification<JournalBackend>;

public sealed class DispatchLeases : DispatchLeaseSpecification<JournalBackend>;

public sealed class Documents : DocumentSpecification<JournalBackend>;

public sealed class Filters : FilterSpecification<JournalBackend>;

public sealed class Heads : HeadSpecification<JournalBackend>;

public sealed class Identity : IdentitySpecification<JournalBackend>;

public sealed class Lifecycle : LifecycleSpecification<JournalBackend>;

public sealed class Model : ModelSpecification<JournalBackend>;

public sealed class Payloads : PayloadSpecification<JournalBackend>;

public sealed class Pipelines : PipelineSpecification<JournalBackend>;

public sealed class Reading : ReadingSpecification<JournalBackend>;

public sealed class Snapshots : SnapshotSpecification<JournalBackend>;

public sealed class Streams : StreamSpecification<JournalBackend>;

public sealed class Consumers : ConsumerSpecification<JournalBackend>;

public sealed class ConsumerDeliveries : ConsumerDeliverySpecification<JournalBackend>;

public sealed class ConsumerStates : ConsumerStateSpecification<JournalBackend>;

public sealed class ConsumerLives : ConsumerLifeSpecification<JournalBackend>;

public sealed class Outages : OutageSpecification<JournalBackend>;

public sealed class ConsumerStarts : ConsumerStartSpecification<JournalBackend>;

public sealed class SetBacks : SetBackSpecification<JournalBackend>;

public sealed class DeliveryModels : DeliveryModelSpecification<JournalBackend>;

public sealed class ReadStreams : ReadStreamSpecification<JournalBackend>;

public sealed class Protection : ProtectionSpecification<JournalBackend>;

public sealed class ReadOnly : ReadOnlySpecification<JournalBackend>;

public sealed class Tags : TagSpecification<JournalBackend>;

public sealed class Decisions : DecisionSpecification<JournalBackend>;

public sealed class AppendConditions : ConditionSpecification<JournalBackend>;

public sealed class Units : UnitSpecification<JournalBackend>;

public sealed class Truncation : TruncationSpecification<JournalBackend>;

public sealed class StreamLives : StreamLifeSpecification<JournalBackend>;

public sealed class Imports : ImportSpecification<JournalBackend>;

public sealed class Importing : ImportingSpecification<JournalBackend>;

public sealed class Mirrors : MirrorSpecification<JournalBackend>;
