using EventStore.Pipeline;

namespace EventStore.Consumers;

/// <summary>The kind of state of a consumer: how it begins, and how it is encoded.</summary>
internal interface IConsumerState
{
    /// <summary>The state before any event; null for a consumer without state.</summary>
    object? Initial { get; }

    int SchemaVersion { get; }

    /// <summary>The stored type of the state before any event; null for a consumer without state.</summary>
    string? InitialType { get; }

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

    public string? InitialType => null;

    public (string Type, byte[] Content) Encode(object state, long checkpoint) => throw new InvalidOperationException(NoState);

    public object Decode(string type, ReadOnlyMemory<byte> content, ConsumerRecord record) => throw new InvalidOperationException(NoState);
}

/// <summary>The state of a projection, encoded like the body of an event.</summary>
internal sealed class ProjectedState<TState> : IConsumerState where TState : class
{
    private readonly Projection<TState> projection;
    private readonly EventCodec codec;
    private readonly string consumer;
    private readonly PayloadContext place;

    /// <summary>Encodes the initial state and reads it back: a state that cannot be stored is refused before it is used.</summary>
    /// <exception cref="TypeNotRegisteredException">The type of the initial state has no name.</exception>
    /// <exception cref="EventSerializationException">The initial state cannot be stored or read back.</exception>
    /// <exception cref="ConsumerChangedException">What is read back is no <typeparamref name="TState"/>.</exception>
    public ProjectedState(string consumer, Projection<TState> projection, EventCodec codec)
    {
        (this.consumer, this.projection, this.codec) = (consumer, projection, codec);
        place = new PayloadContext(new StreamId("consumers", "", consumer), PayloadKind.ConsumerState, "");
        (InitialType, var content) = codec.EncodeState(projection.Initial, place);
        Decode(content, place with { Type = InitialType });
    }

    public object? Initial => projection.Initial;

    public int SchemaVersion => projection.SchemaVersion;

    public string? InitialType { get; }

    public (string Type, byte[] Content) Encode(object state, long checkpoint) =>
        codec.EncodeState(state, place with { Position = checkpoint, SchemaVersion = SchemaVersion });

    public object Decode(string type, ReadOnlyMemory<byte> content, ConsumerRecord record) =>
        Decode(content, place with { Type = type, Position = record.Checkpoint, SchemaVersion = record.StateVersion });

    private TState Decode(ReadOnlyMemory<byte> content, PayloadContext context) =>
        codec.DecodeState(content, context) as TState ?? throw new ConsumerChangedException(
            consumer,
            $"has a state of type '{context.Type}', which is not read as {typeof(TState)}.",
            "Register the type of the state under that name, or raise SchemaVersion so that the state is computed again.");
}
