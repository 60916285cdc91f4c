using EventStore.Pipeline;

namespace EventStore.Consumers;

/// <summary>The kind of state of a consumer: how it begins, and how it is encoded.</summary>
internal interface IConsumerState
{
    /// <summary>The state before any event; null for a consumer without state.</summary>
    object? Initial { get; }

    int SchemaVersion { get; }

    /// <summary>Encodes a state, under the stable name of its type.</summary>
    (string Type, byte[] Content) Encode(object state);

    object Decode(string type, ReadOnlyMemory<byte> content);
}

/// <summary>For a consumer without state.</summary>
internal sealed class Stateless : IConsumerState
{
    public object? Initial => null;

    public int SchemaVersion => 0;

    public (string Type, byte[] Content) Encode(object state) => throw new InvalidOperationException("The consumer has no state.");

    public object Decode(string type, ReadOnlyMemory<byte> content) => throw new InvalidOperationException("The consumer has no state.");
}

/// <summary>The state of a projection, encoded like the body of an event.</summary>
internal sealed class ProjectedState<TState>(
    string consumer, Projection<TState> projection, EventCodec codec) : IConsumerState where TState : class
{
    private readonly StreamId owner = new("consumers", "", consumer);

    public object? Initial => projection.Initial;

    public int SchemaVersion => projection.SchemaVersion;

    public (string Type, byte[] Content) Encode(object state) => codec.EncodeState(owner, state);

    public object Decode(string type, ReadOnlyMemory<byte> content) => codec.DecodeState(owner, type, content);
}
