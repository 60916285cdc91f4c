using EventStore.Feeds;

namespace EventStore.Consumers;

/// <summary>Hands over one event after the other, and with each moves position and state together.</summary>
/// <param name="context">What surrounds a delivery.</param>
/// <param name="handler">Takes an event; with a state, makes the next one of it.</param>
internal sealed class EventPump(PumpContext context, IEventHandler handler) : IPump
{
    private readonly Func<CommittedEvent, CancellationToken, ValueTask> handle = handler.HandleAsync;

    // A fast handler takes less time than a lock or two: what can be done once a page is.
    public async ValueTask DeliverAsync(ReadOnlyMemory<FeedEvent> events, ConsumerProgress progress, CancellationToken cancellationToken)
    {
        if (events.IsEmpty) return;
        await context.Gate.EnterAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            handler.State = progress.State;
            for (var i = 0; i < events.Length; i++)
            {
                var (committed, position) = events.Span[i];
                await context.Gate.PassAsync(cancellationToken).ConfigureAwait(false);
                cancellationToken.ThrowIfCancellationRequested();
                var outcome = await context.Policy.RunAsync(committed, committed, handle, cancellationToken).ConfigureAwait(false);
                if (outcome is not null) PumpContext.Note(outcome, [committed], progress);
                var unwritten = progress.MoveTo(position, handler.State);
                if (unwritten >= context.Options.EventsPerCheckpoint) await context.WriteAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            context.Gate.Leave();
        }
    }

    public async ValueTask HandleAgainAsync(CommittedEvent committed, ConsumerProgress progress, CancellationToken cancellationToken)
    {
        handler.State = progress.State;
        await handler.HandleAsync(committed, cancellationToken).ConfigureAwait(false);
        progress.Unpark(committed.Checkpoint.Value, handler.State);
    }
}

/// <summary>Takes events one by one.</summary>
internal interface IEventHandler
{
    /// <summary>Before an event the state it is applied to, after it the next one, or still the same if it failed; null without a state.</summary>
    object? State { get; set; }

    ValueTask HandleAsync(CommittedEvent committed, CancellationToken cancellationToken);
}

/// <summary>A delegate that takes events.</summary>
internal sealed class DelegateHandler(Func<CommittedEvent, CancellationToken, ValueTask> handle) : IEventHandler
{
    public object? State { get; set; }

    public ValueTask HandleAsync(CommittedEvent committed, CancellationToken cancellationToken) => handle(committed, cancellationToken);
}

/// <summary>Applies events to a state.</summary>
internal sealed class ProjectionHandler<TState>(Projection<TState> projection) : IEventHandler where TState : class
{
    public object? State { get; set; }

    public ValueTask HandleAsync(CommittedEvent committed, CancellationToken cancellationToken)
    {
        var applying = projection.ApplyAsync((TState)State!, committed, cancellationToken);
        if (!applying.IsCompletedSuccessfully) return FollowAsync(applying);
        State = applying.Result;
        return default;
    }

    private async ValueTask FollowAsync(ValueTask<TState> applying) => State = await applying.ConfigureAwait(false);
}
