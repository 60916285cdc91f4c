using EventStore.Conformance;
using EventStore.InMemory;

namespace EventStore.Tests;

/// <summary>Runs the whole kit on the in-memory engine, which keeps nothing after it is disposed.</summary>
public sealed class InMemoryBackend : IBackend
{
    public ValueTask<IPersistenceEngine> OpenAsync(EngineContext context) => new(new InMemoryPersistenceEngine(context.Time));

    public ValueTask DisposeAsync() => default;
}

public sealed class Completeness : CompletenessSpecification<InMemoryBackend>;

public sealed class Commits : CommitSpecification<InMemoryBackend>;

public sealed class Concurrency : ConcurrencySpecification<InMemoryBackend>;

public sealed class Deletion : DeletionSpecification<InMemoryBackend>;

public sealed class Dispatching : DispatchSpecification<InMemoryBackend>;

public sealed class DispatchLeases : DispatchLeaseSpecification<InMemoryBackend>;

public sealed class Documents : DocumentSpecification<InMemoryBackend>;

public sealed class Filters : FilterSpecification<InMemoryBackend>;

public sealed class Heads : HeadSpecification<InMemoryBackend>;

public sealed class Identity : IdentitySpecification<InMemoryBackend>;

public sealed class Lifecycle : LifecycleSpecification<InMemoryBackend>;

public sealed class Model : ModelSpecification<InMemoryBackend>;

public sealed class Payloads : PayloadSpecification<InMemoryBackend>;

public sealed class Pipelines : PipelineSpecification<InMemoryBackend>;

public sealed class Reading : ReadingSpecification<InMemoryBackend>;

public sealed class Snapshots : SnapshotSpecification<InMemoryBackend>;

public sealed class Streams : StreamSpecification<InMemoryBackend>;

public sealed class Consumers : ConsumerSpecification<InMemoryBackend>;

public sealed class ConsumerDeliveries : ConsumerDeliverySpecification<InMemoryBackend>;

public sealed class ConsumerStates : ConsumerStateSpecification<InMemoryBackend>;

public sealed class ConsumerLives : ConsumerLifeSpecification<InMemoryBackend>;

public sealed class Outages : OutageSpecification<InMemoryBackend>;

public sealed class ConsumerStarts : ConsumerStartSpecification<InMemoryBackend>;

public sealed class SetBacks : SetBackSpecification<InMemoryBackend>;

public sealed class DeliveryModels : DeliveryModelSpecification<InMemoryBackend>;

public sealed class ReadStreams : ReadStreamSpecification<InMemoryBackend>;

public sealed class Protection : ProtectionSpecification<InMemoryBackend>;

public sealed class Tags : TagSpecification<InMemoryBackend>;

public sealed class AppendConditions : ConditionSpecification<InMemoryBackend>;

public sealed class Units : UnitSpecification<InMemoryBackend>;

public sealed class Decisions : DecisionSpecification<InMemoryBackend>;

public sealed class Truncation : TruncationSpecification<InMemoryBackend>;

public sealed class StreamLives : StreamLifeSpecification<InMemoryBackend>;

public sealed class Imports : ImportSpecification<InMemoryBackend>;

public sealed class Importing : ImportingSpecification<InMemoryBackend>;

public sealed class Mirrors : MirrorSpecification<InMemoryBackend>;

public sealed class ReadOnly : ReadOnlySpecification<InMemoryBackend>;
