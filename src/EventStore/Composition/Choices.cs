using EventStore.Serialization;

namespace EventStore.Composition;

// What the methods of the wireup record, one type for each choice.

/// <summary>How objects are serialized.</summary>
/// <param name="Serializer">The serializer.</param>
/// <param name="Json">The serializer of JSON among them, which is checked when the store is built; null for one of the application.</param>
internal sealed record SerializerChoice(IEventSerializer Serializer, JsonEventSerializer? Json);

/// <summary>A transform of payloads.</summary>
internal sealed record TransformChoice(IPayloadTransform Transform);

/// <summary>Encryption, which is always applied last.</summary>
internal sealed record EncryptionChoice(IPayloadTransform Transform);

/// <summary>Events up to this checkpoint are read although they are not encrypted.</summary>
internal sealed record PlaintextUntilChoice(Checkpoint Until);

/// <summary>Payloads of these types are read although they are not encrypted.</summary>
internal sealed record PlaintextTypesChoice(IReadOnlySet<string> Types);

/// <summary>Envelope values copied into bodies.</summary>
internal sealed record MappingsChoice(EventMappings Mappings);

/// <summary>When commits are dispatched.</summary>
internal sealed record SchedulerChoice(SchedulerKind Kind, DispatchOptions Options);

internal enum SchedulerKind
{
    Synchronous,
    Asynchronous,
}

/// <summary>Where commits are dispatched to.</summary>
internal sealed record DispatcherChoice(IDispatchCommits Dispatcher, bool IsPerEvent);

/// <summary>When dispatch starts.</summary>
internal sealed record StartupChoice(DispatchStartup Startup);

/// <summary>How many snapshots of a stream are kept.</summary>
internal sealed record SnapshotsChoice(int Keep);

/// <summary>How often retention is applied; null where the application calls for it.</summary>
internal sealed record RetentionIntervalChoice(TimeSpan? Interval);

/// <summary>Missing storage is created when the store is built.</summary>
internal sealed record InitializationChoice;

/// <summary>Nothing is written. The time is how long to wait for a storage that does not exist yet.</summary>
internal sealed record ReadOnlyChoice(TimeSpan WaitForStorage);

/// <summary>Where consumers and read streams are kept, if not beside the events.</summary>
internal sealed record ConsumerStorageChoice(Func<EngineContext, IPersistenceEngine> Create, bool IsOwned);

/// <summary>The key with which read streams are signed; empty where the application chose not to sign them.</summary>
internal sealed record SigningChoice(ReadOnlyMemory<byte> Key);

/// <summary>Dispatch is not tracked.</summary>
internal sealed record UntrackedChoice;
