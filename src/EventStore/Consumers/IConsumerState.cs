using EventStore.Pipeline;

namespace EventStore.Consumers;

/// <summary>The kind of state of a consumer: how it begins, and how it is encoded.</summary>
internal interface IConsumerState
{
    /// <summary>The state before any event; null for a consumer without state.</summary>
    object? Initial { get; }

    int SchemaVersion { get; }

    /// <summary>Encodes a state, under the stable name of its type. It belongs to the position that is written with it.</summary>
    (string Type, byte[] Content) Encode(object state, long checkpoint);

    object Decode(string type, ReadOnlyMemory<byte> content, ConsumerRecord record);
}

/// <summary>For a consumer without state.</summary>
internal sealed class Stateless : IConsumerState
{
    private const string NoState = "The consumer has no state.";

    public object? Initial => null;

    public int SchemaVersion => 0;

    public (string Type, byte[] Content) Encode(object state, long checkpoint) => throw new InvalidOperationException(NoState);

    public object Decode(string type, ReadOnlyMemory<byte> content, ConsumerRecord record) => throw new InvalidOperationException(NoState);
}

/// <summary>The state of a projection, encoded like the body of an event.</summary>
internal sealed class ProjectedState<TState>(
    string consumer, Projection<TState> projection, EventCodec codec) : IConsumerState where TState : class
{
    private readonly PayloadContext place = new(new StreamId("consumers", "", consumer), PayloadKind.ConsumerState, "");

    public object? Initial => projection.Initial;

    public int SchemaVersion => projection.SchemaVersion;

    public (string Type, byte[] Content) Encode(object state, long checkpoint) =>
        codec.EncodeState(state, place with { Position = checkpoint, SchemaVersion = SchemaVersion });

    public object Decode(string type, ReadOnlyMemory<byte> content, ConsumerRecord record) =>
        codec.DecodeState(content, place with { Type = type, Position = record.Checkpoint, SchemaVersion = record.StateVersion });
}
