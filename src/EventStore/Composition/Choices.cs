namespace EventStore.Composition;

// What verbs record on the wireup, one type a choice; the build reads them once.

/// <summary>How objects become bytes.</summary>
/// <param name="Serializer">The serializer.</param>
/// <param name="Verify">Throws if a registered type cannot be serialized; runs when the store is built.</param>
internal sealed record SerializerChoice(IEventSerializer Serializer, Action Verify);

/// <summary>The transforms of one verb, with those it can also read.</summary>
internal sealed record TransformChoice(IPayloadTransform Transform);

/// <summary>Encryption, which always comes last: compressed first, encrypted then.</summary>
internal sealed record EncryptionChoice(IPayloadTransform Transform);

/// <summary>Envelope values copied into bodies.</summary>
internal sealed record MappingsChoice(EventMappings Mappings);

/// <summary>When commits are dispatched, or that they are not.</summary>
internal sealed record SchedulerChoice(SchedulerKind Kind, DispatchOptions Options);

internal enum SchedulerKind
{
    None,
    Synchronous,
    Asynchronous,
}

/// <summary>To whom commits are dispatched.</summary>
internal sealed record DispatcherChoice(IDispatchCommits Dispatcher, bool IsPerEvent);

/// <summary>When dispatch starts.</summary>
internal sealed record StartupChoice(DispatchStartup Startup);

/// <summary>How many snapshots of a stream are kept.</summary>
internal sealed record SnapshotsChoice(int Keep);

/// <summary>That the build may make storage that is missing.</summary>
internal sealed record InitializationChoice;

/// <summary>That nothing is written, and how long to wait for a storage that is not there yet.</summary>
internal sealed record ReadOnlyChoice(TimeSpan WaitForStorage);

/// <summary>Where consumers and read streams are kept, if not beside the events.</summary>
internal sealed record ConsumerStorageChoice(Func<EngineContext, IPersistenceEngine> Create, bool IsOwned);

/// <summary>With which key read streams are signed.</summary>
internal sealed record SigningChoice(ReadOnlyMemory<byte> Key);

/// <summary>That dispatch is not tracked.</summary>
internal sealed record UntrackedChoice;
