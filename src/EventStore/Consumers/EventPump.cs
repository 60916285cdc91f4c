using EventStore.Feeds;

namespace EventStore.Consumers;

/// <summary>Delivers one event after the other. With each event, position and state change together.</summary>
internal sealed class EventPump : IPump
{
    private readonly PumpContext context;
    private readonly IEventHandler handler;
    private readonly FailurePolicy.Handling<CommittedEvent> handling;

    // The state after the last event that was handled. Touched by one delivery at a time.
    private object? state;

    public EventPump(PumpContext context, IEventHandler handler)
    {
        (this.context, this.handler) = (context, handler);
        handling = context.Policy.Apply<CommittedEvent>(HandleAsync, static committed => committed);
    }

    // A fast handler takes less time than a lock or two: what can be done once a page is not done for each event.
    public async ValueTask DeliverAsync(ReadOnlyMemory<FeedEvent> events, CancellationToken cancellationToken)
    {
        if (events.IsEmpty) return;
        var progress = context.Progress;
        await context.Gate.EnterAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            state = progress.State;
            for (var i = 0; i < events.Length; i++)
            {
                var (committed, position) = events.Span[i];
                await context.Gate.PassAsync(cancellationToken).ConfigureAwait(false);
                cancellationToken.ThrowIfCancellationRequested();
                var outcome = await handling.RunAsync(committed, cancellationToken).ConfigureAwait(false);
                if (outcome is not null) context.Record(outcome, [committed]);
                var unwritten = progress.MoveTo(position, state);
                if (unwritten >= context.Pacing.Events) await context.WriteAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            context.Gate.Leave();
        }
    }

    public async ValueTask DeliverParkedAsync(CommittedEvent committed, CancellationToken cancellationToken)
    {
        state = context.Progress.State;
        await handling.DeliverAsync(committed, cancellationToken).ConfigureAwait(false);
        context.Progress.Unpark(committed.Checkpoint.Value, state);
    }

    private ValueTask HandleAsync(CommittedEvent committed, CancellationToken cancellationToken)
    {
        var handled = handler.HandleAsync(committed, state, cancellationToken);
        if (!handled.IsCompletedSuccessfully) return FollowAsync(handled);
        state = handled.Result;
        return default;
    }

    private async ValueTask FollowAsync(ValueTask<object?> handled) => state = await handled.ConfigureAwait(false);
}

/// <summary>Handles events one by one.</summary>
internal interface IEventHandler
{
    /// <summary>Handles an event.</summary>
    /// <param name="committed">The event.</param>
    /// <param name="state">The state to which it is applied; null without a state.</param>
    /// <param name="cancellationToken">Cancels the handling.</param>
    /// <returns>The next state; null without a state.</returns>
    ValueTask<object?> HandleAsync(CommittedEvent committed, object? state, CancellationToken cancellationToken);
}

/// <summary>A delegate that takes events.</summary>
internal sealed class DelegateHandler(Func<CommittedEvent, CancellationToken, ValueTask> handle) : IEventHandler
{
    public ValueTask<object?> HandleAsync(CommittedEvent committed, object? state, CancellationToken cancellationToken)
    {
        var handling = handle(committed, cancellationToken);
        return handling.IsCompletedSuccessfully ? default : FollowAsync(handling);
    }

    private static async ValueTask<object?> FollowAsync(ValueTask handling)
    {
        await handling.ConfigureAwait(false);
        return null;
    }
}

/// <summary>Applies events to a state.</summary>
internal sealed class ProjectionHandler<TState>(string consumer, Projection<TState> projection) : IEventHandler where TState : class
{
    public ValueTask<object?> HandleAsync(CommittedEvent committed, object? state, CancellationToken cancellationToken)
    {
        var applying = projection.ApplyAsync((TState?)state ?? projection.Initial, committed, cancellationToken);
        return applying.IsCompletedSuccessfully ? new(Require(applying.Result, committed)) : FollowAsync(applying, committed);
    }

    private async ValueTask<object?> FollowAsync(ValueTask<TState> applying, CommittedEvent committed) =>
        Require(await applying.ConfigureAwait(false), committed);

    // A null in place of the state would begin it again.
    private TState Require(TState? next, CommittedEvent committed) =>
        next ?? throw new ProjectionException(consumer, committed.Stream, committed.Checkpoint);
}
