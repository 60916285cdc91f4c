using EventStore.Deliveries;
using EventStore.Feeds;

namespace EventStore.Consumers;

/// <summary>Delivers the events of one term, and records in its progress what is done.</summary>
internal interface IPump
{
    /// <summary>Delivers events in order. Events that the application acknowledges may still be outstanding when it returns.</summary>
    /// <exception cref="ConsumerStoppedException">An event failed permanently, and the consumer stops.</exception>
    ValueTask DeliverAsync(FeedEvents events, CancellationToken cancellationToken);

    /// <summary>Begins the term. What is still outstanding of an earlier term is delivered again.</summary>
    void Begin()
    {
    }

    /// <summary>Called when the consumer begins to stop: nothing more is handed over.</summary>
    void Stop()
    {
    }

    /// <summary>Called when the consumer has ended: nothing more is delivered.</summary>
    /// <param name="failure">Why it ended; null if it was stopped.</param>
    void End(Exception? failure)
    {
    }

    /// <summary>Delivers a parked event again while nothing else is delivered, and takes it off the parked ones.</summary>
    ValueTask DeliverParkedAsync(CommittedEvent committed, CancellationToken cancellationToken);
}

/// <summary>What a pump works with.</summary>
/// <param name="Policy">What happens to events whose handler throws, and the gate that deliveries pass.</param>
/// <param name="Progress">The progress of the term.</param>
/// <param name="Options">The consumer's options.</param>
/// <param name="WriteAsync">Writes the progress.</param>
internal sealed record PumpContext(
    FailurePolicy Policy, ConsumerProgress Progress, ConsumerOptions Options, Func<CancellationToken, ValueTask> WriteAsync)
{
    public PauseGate Gate => Policy.Gate;

    /// <summary>How often progress is written.</summary>
    public required WritePacing Pacing { get; init; }

    public ValueTask WriteIfDueAsync(CancellationToken cancellationToken) =>
        Progress.IsWriteDue(Pacing.Events) ? WriteAsync(cancellationToken) : default;

    /// <summary>Records events that were parked or skipped instead of handled.</summary>
    public void Record(FailureAction? outcome, IReadOnlyList<CommittedEvent> events)
    {
        if (outcome == FailureAction.Park) Progress.Park(events);
        if (outcome == FailureAction.Skip) Progress.Skip(events.Count);
    }
}
