using EventStore.Feeds;

namespace EventStore.Consumers;

/// <summary>Delivers the events of a page, and tells the progress what is done.</summary>
internal interface IPump
{
    /// <summary>Delivers in order. Returns once all are handed over; those that are acknowledged later are still outstanding then.</summary>
    /// <exception cref="ConsumerStoppedException">An event failed for good, and the consumer is to stop.</exception>
    ValueTask DeliverAsync(ReadOnlyMemory<FeedEvent> events, ConsumerProgress progress, CancellationToken cancellationToken);

    /// <summary>Begins anew: what is still out comes again.</summary>
    void Restart()
    {
    }

    /// <summary>Delivers an event that was parked again, while nothing else is delivered, and takes it off the parked ones.</summary>
    ValueTask HandleAgainAsync(CommittedEvent committed, ConsumerProgress progress, CancellationToken cancellationToken);
}

/// <summary>What all pumps need around a delivery: the pause, the policy, and writing when it is due.</summary>
internal sealed record PumpContext(PauseGate Gate, FailurePolicy Policy, ConsumerOptions Options, Func<CancellationToken, ValueTask> WriteAsync)
{
    public ValueTask WriteIfDueAsync(ConsumerProgress progress, CancellationToken cancellationToken) =>
        progress.IsWriteDue(Options.EventsPerCheckpoint) ? WriteAsync(cancellationToken) : default;

    public static void Note(FailureAction? outcome, IReadOnlyList<CommittedEvent> events, ConsumerProgress progress)
    {
        if (outcome == FailureAction.Park) progress.Park(events);
        if (outcome == FailureAction.Skip) progress.Skip(events.Count);
    }
}
