using EventStore.Pipeline;

namespace EventStore.Consumers;

/// <summary>The state of a consumer: how it begins, and how it is kept in the consumer's document.</summary>
internal interface IConsumerState
{
    /// <summary>The state before any event; null for a consumer without state.</summary>
    object? Initial { get; }

    int SchemaVersion { get; }

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

    public void Write(object? state, ConsumerRecord record)
    {
    }

    public object? Read(ConsumerRecord record) => null;
}

/// <summary>The state of a projection, encoded like the body of an event.</summary>
internal sealed class ProjectedState<TState>(
    string consumer, Projection<TState> projection, EventCodec codec) : IConsumerState where TState : class
{
    private readonly PayloadContext place = new(new StreamId("consumers", "", consumer), PayloadKind.ConsumerState, "");

    public object? Initial => projection.Initial;

    public int SchemaVersion => projection.SchemaVersion;

    public void Write(object? state, ConsumerRecord record)
    {
        if (state is not null) (record.StateType, record.State) = codec.EncodeState(state, PlaceOf(record));
    }

    public object? Read(ConsumerRecord record) =>
        record is { State: { } state, StateType: { } type } ? codec.DecodeState(state, PlaceOf(record) with { Type = type }) : null;

    // A state belongs to the position that is written with it.
    private PayloadContext PlaceOf(ConsumerRecord record) =>
        place with { Position = record.Checkpoint, SchemaVersion = record.StateVersion };
}
