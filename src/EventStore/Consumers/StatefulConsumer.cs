using EventStore.Feeds;

namespace EventStore.Consumers;

/// <summary>A consumer with a state.</summary>
internal sealed class StatefulConsumer<TState>(ConsumerClaim claim, EventFeeds feeds) : RunningConsumer(claim, feeds), IConsumer<TState>
    where TState : class
{
    public TState State => CurrentState as TState
        ?? throw new InvalidOperationException($"The state of the consumer '{Names.Printable(Name)}' is no {typeof(TState).Name}.");
}
