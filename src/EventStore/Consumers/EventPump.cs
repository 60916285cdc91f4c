using EventStore.Feeds;

namespace EventStore.Consumers;

/// <summary>Delivers one event after the other. With each event, position and state change together.</summary>
/// <param name="context">What it works with.</param>
/// <param name="handler">Handles an event; with a state, makes the next state.</param>
internal sealed class EventPump(PumpContext context, IEventHandler handler) : IPump
{
    private readonly FailurePolicy.Handling<CommittedEvent> handling = context.Policy.Apply<CommittedEvent>(
        handler.HandleAsync, static committed => committed);

    // A fast handler takes less time than a lock or two: what can be done once a page is not done for each event.
    public async ValueTask DeliverAsync(ReadOnlyMemory<FeedEvent> events, CancellationToken cancellationToken)
    {
        if (events.IsEmpty) return;
        var progress = context.Progress;
        await context.Gate.EnterAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            handler.State = progress.State;
            for (var i = 0; i < events.Length; i++)
            {
                var (committed, position) = events.Span[i];
                await context.Gate.PassAsync(cancellationToken).ConfigureAwait(false);
                cancellationToken.ThrowIfCancellationRequested();
                var outcome = await handling.RunAsync(committed, cancellationToken).ConfigureAwait(false);
                if (outcome is not null) context.Record(outcome, [committed]);
                var unwritten = progress.MoveTo(position, handler.State);
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
        handler.State = context.Progress.State;
        await handling.DeliverAsync(committed, cancellationToken).ConfigureAwait(false);
        context.Progress.Unpark(committed.Checkpoint.Value, handler.State);
    }
}

/// <summary>Handles events one by one.</summary>
internal interface IEventHandler
{
    /// <summary>
    /// Before an event, the state it is applied to. After it, the next state, or the same one if it failed. Null without a state.
    /// </summary>
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
internal sealed class ProjectionHandler<TState>(string consumer, Projection<TState> projection) : IEventHandler where TState : class
{
    private TState state = projection.Initial;

    public object? State
    {
        get => state;
        set => state = (TState?)value ?? projection.Initial;
    }

    public ValueTask HandleAsync(CommittedEvent committed, CancellationToken cancellationToken)
    {
        var applying = projection.ApplyAsync(state, committed, cancellationToken);
        if (!applying.IsCompletedSuccessfully) return FollowAsync(applying, committed);
        state = Require(applying.Result, committed);
        return default;
    }

    private async ValueTask FollowAsync(ValueTask<TState> applying, CommittedEvent committed) =>
        state = Require(await applying.ConfigureAwait(false), committed);

    // A null in place of the state would begin it again.
    private TState Require(TState? next, CommittedEvent committed) =>
        next ?? throw new ProjectionException(consumer, committed.Stream, committed.Checkpoint);
}
