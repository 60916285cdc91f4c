using EventStore.Pipeline;

namespace EventStore.Consumers;

/// <summary>The state of a consumer: how it begins, and how it is kept in the consumer's document.</summary>
internal interface IConsumerState
{
    /// <summary>The state before any event; null for a consumer without state.</summary>
    object? Initial { get; }

    int SchemaVersion { get; }

    /// <summary>The stored type of the state before any event; null for a consumer without state.</summary>
    string? InitialType { get; }

    /// <summary>Encodes a state into the record that is about to be written.</summary>
    void Write(object? state, ConsumerRecord record);

    /// <summary>The state in a record; null for none.</summary>
    object? Read(ConsumerRecord record);
}

/// <summary>For a consumer without state.</summary>
internal sealed class Stateless : IConsumerState
{
    public object? Initial => null;

    public int SchemaVersion => 0;

    public string? InitialType => null;

    public void Write(object? state, ConsumerRecord record)
    {
    }

    public object? Read(ConsumerRecord record) => null;
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
        var probe = new ConsumerRecord();
        Write(projection.Initial, probe);
        InitialType = probe.StateType;
        Read(probe);
    }

    public object? Initial => projection.Initial;

    public int SchemaVersion => projection.SchemaVersion;

    public string? InitialType { get; }

    public void Write(object? state, ConsumerRecord record)
    {
        if (state is not null) (record.StateType, record.State) = codec.EncodeState(state, PlaceOf(record));
    }

    public object? Read(ConsumerRecord record)
    {
        if (record is not { State: { } state, StateType: { } type }) return null;
        return codec.DecodeState(state, PlaceOf(record) with { Type = type }) as TState ?? throw new ConsumerChangedException(
            consumer,
            $"has a state of type '{type}', which is not read as {typeof(TState)}.",
            "Register the type of the state under that name, or raise SchemaVersion so that the state is computed again.");
    }

    // A state belongs to the position that is written with it.
    private PayloadContext PlaceOf(ConsumerRecord record) =>
        place with { Position = record.Checkpoint, SchemaVersion = record.StateVersion };
}
