using EventStore.Diagnostics;
using EventStore.Feeds;
using EventStore.Pipeline;
using Microsoft.Extensions.Logging;

namespace EventStore.Consumers;

/// <summary>All that a consumer is made of.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Options">How it works.</param>
/// <param name="MakeFeed">Makes what it reads from; a new one for each time it is active.</param>
/// <param name="Engine">Tells when there may be something new.</param>
/// <param name="Documents">Keeps its document.</param>
/// <param name="Reads">Reads single events.</param>
/// <param name="Time">The clock.</param>
/// <param name="Lag">How far it lies behind.</param>
/// <param name="Logger">For its messages.</param>
/// <param name="Released">Called once it is disposed.</param>
internal sealed record ConsumerSetup(
    string Name,
    ConsumerOptions Options,
    Func<IFeed> MakeFeed,
    IPersistenceEngine Engine,
    IPersistenceEngine Documents,
    ReadPath Reads,
    TimeProvider Time,
    ConsumerLag Lag,
    ILogger Logger,
    Action Released)
{
    /// <summary>The state before any event; null for a consumer without one.</summary>
    public object? InitialState { get; init; }

    public int StateVersion { get; init; }

    /// <summary>Puts a state into the record that is about to be written.</summary>
    public Action<object?, ConsumerRecord> EncodeState { get; init; } = static (_, _) => { };

    /// <summary>The state that a record holds; null for none.</summary>
    public Func<ConsumerRecord, object?> DecodeState { get; init; } = static _ => null;
}

/// <summary>A consumer with a state.</summary>
internal sealed class StatefulConsumer<TState>(ConsumerSetup setup, Func<PumpContext, IPump> makePump) : RunningConsumer(setup, makePump), IConsumer<TState>
    where TState : class
{
    public TState State => (TState)CurrentState!;
}

/// <summary>A consumer whose events are pulled.</summary>
internal sealed class PullConsumer(ConsumerSetup setup, PullPump pump) : RunningConsumer(setup, pump.In), IPullConsumer
{
    private int isEnumerated;

    public IAsyncEnumerator<Delivery> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        if (Interlocked.Exchange(ref isEnumerated, 1) != 0)
            throw new InvalidOperationException($"The consumer '{Name}' is enumerated already. One loop pulls its events; open it anew to begin another.");
        return pump.Deliveries.ReadAllAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
    }
}
