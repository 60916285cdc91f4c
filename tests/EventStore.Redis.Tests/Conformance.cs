using EventStore.Conformance;

namespace EventStore.Redis.Tests;

public sealed class Completeness : CompletenessSpecification<RedisBackend>;

public sealed class Commits : CommitSpecification<RedisBackend>;

public sealed class Concurrency : ConcurrencySpecification<RedisBackend>;

public sealed class Consumers : ConsumerSpecification<RedisBackend>;

public sealed class ConsumerDelivery : ConsumerDeliverySpecification<RedisBackend>;

public sealed class ConsumerStates : ConsumerStateSpecification<RedisBackend>;

public sealed class ConsumerLives : ConsumerLifeSpecification<RedisBackend>;

public sealed class Outages : OutageSpecification<RedisBackend>;

public sealed class ConsumerStarts : ConsumerStartSpecification<RedisBackend>;

public sealed class SetBacks : SetBackSpecification<RedisBackend>;

public sealed class DeliveryModels : DeliveryModelSpecification<RedisBackend>;

public sealed class Deletion : DeletionSpecification<RedisBackend>;

public sealed class Dispatching : DispatchSpecification<RedisBackend>;

public sealed class DispatchLeases : DispatchLeaseSpecification<RedisBackend>;

public sealed class Documents : DocumentSpecification<RedisBackend>;

public sealed class Filters : FilterSpecification<RedisBackend>;

public sealed class Heads : HeadSpecification<RedisBackend>;

public sealed class Identity : IdentitySpecification<RedisBackend>;

public sealed class Lifecycle : LifecycleSpecification<RedisBackend>;

public sealed class Model : ModelSpecification<RedisBackend>;

public sealed class Payloads : PayloadSpecification<RedisBackend>;

public sealed class Pipelines : PipelineSpecification<RedisBackend>;

public sealed class Reading : ReadingSpecification<RedisBackend>;

public sealed class ReadStreams : ReadStreamSpecification<RedisBackend>;

public sealed class Protection : ProtectionSpecification<RedisBackend>;

public sealed class Snapshots : SnapshotSpecification<RedisBackend>;

public sealed class Streams : StreamSpecification<RedisBackend>;

public sealed class UnsweptConcurrency : ConcurrencySpecification<UnsweptBackend>;

public sealed class UnsweptDeletion : DeletionSpecification<UnsweptBackend>;

public sealed class UnsweptFilters : FilterSpecification<UnsweptBackend>;

public sealed class UnsweptHeads : HeadSpecification<UnsweptBackend>;

public sealed class UnsweptLifecycle : LifecycleSpecification<UnsweptBackend>;

public sealed class UnsweptModel : ModelSpecification<UnsweptBackend>;

public sealed class UnsweptReading : ReadingSpecification<UnsweptBackend>;

public sealed class UnsweptSnapshots : SnapshotSpecification<UnsweptBackend>;

public sealed class ClusterCommits : CommitSpecification<ClusterBackend>;

public sealed class ClusterConcurrency : ConcurrencySpecification<ClusterBackend>;

public sealed class ClusterDeletion : DeletionSpecification<ClusterBackend>;

public sealed class ClusterDocuments : DocumentSpecification<ClusterBackend>;

public sealed class ClusterFilters : FilterSpecification<ClusterBackend>;

public sealed class ClusterHeads : HeadSpecification<ClusterBackend>;

public sealed class ClusterIdentity : IdentitySpecification<ClusterBackend>;

public sealed class ClusterLifecycle : LifecycleSpecification<ClusterBackend>;

public sealed class ClusterModel : ModelSpecification<ClusterBackend>;

public sealed class ClusterPayloads : PayloadSpecification<ClusterBackend>;

public sealed class ClusterPipelines : PipelineSpecification<ClusterBackend>;

public sealed class ClusterReading : ReadingSpecification<ClusterBackend>;

public sealed class ClusterSnapshots : SnapshotSpecification<ClusterBackend>;

public sealed class ClusterStreams : StreamSpecification<ClusterBackend>;

public sealed class ClusterConsumers : ConsumerSpecification<ClusterBackend>;

public sealed class ClusterDispatching : DispatchSpecification<ClusterBackend>;

public sealed class ReadOnly : ReadOnlySpecification<RedisBackend>;

public sealed class Tags : TagSpecification<RedisBackend>;

public sealed class Decisions : DecisionSpecification<RedisBackend>;

public sealed class AppendConditions : ConditionSpecification<RedisBackend>;

public sealed class Units : UnitSpecification<RedisBackend>;

public sealed class Truncation : TruncationSpecification<RedisBackend>;

public sealed class StreamLives : StreamLifeSpecification<RedisBackend>;

public sealed class Imports : ImportSpecification<RedisBackend>;

public sealed class Importing : ImportingSpecification<RedisBackend>;

public sealed class Mirrors : MirrorSpecification<RedisBackend>;

public sealed class UnsweptTags : TagSpecification<UnsweptBackend>;

public sealed class UnsweptAppendConditions : ConditionSpecification<UnsweptBackend>;

public sealed class UnsweptUnits : UnitSpecification<UnsweptBackend>;

public sealed class UnsweptTruncation : TruncationSpecification<UnsweptBackend>;

public sealed class UnsweptStreamLives : StreamLifeSpecification<UnsweptBackend>;

public sealed class ClusterTags : TagSpecification<ClusterBackend>;

public sealed class ClusterDecisions : DecisionSpecification<ClusterBackend>;

public sealed class ClusterAppendConditions : ConditionSpecification<ClusterBackend>;

public sealed class ClusterUnits : UnitSpecification<ClusterBackend>;

public sealed class ClusterTruncation : TruncationSpecification<ClusterBackend>;

public sealed class ClusterStreamLives : StreamLifeSpecification<ClusterBackend>;

public sealed class ClusterImports : ImportSpecification<ClusterBackend>;

public sealed class ClusterImporting : ImportingSpecification<ClusterBackend>;

public sealed class ClusterMirrors : MirrorSpecification<ClusterBackend>;
