using EventStore.Feeds;

namespace EventStore.Consumers;

/// <summary>Delivers one event after the other. With each event, position and state change together.</summary>
internal abstract class EventPump : IPump
{
    private readonly PumpContext context;
    private readonly FailurePolicy.Handling<CommittedEvent> handling;

    protected EventPump(PumpContext context)
    {
        this.context = context;
        handling = context.Policy.Apply<CommittedEvent>(HandleAsync, static committed => committed);
    }

    /// <summary>The state after the last event that was handled; null without a state. Touched by one delivery at a time.</summary>
    protected object? State { get; private protected set; }

    // A fast handler takes less time than a lock or two: what can be done once a page is not done for each event.
    public async ValueTask DeliverAsync(FeedEvents events, CancellationToken cancellationToken)
    {
        if (events.Count == 0) return;
        var progress = context.Progress;
        await context.Gate.EnterAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            State = progress.State;
            for (var i = 0; i < events.Count; i++)
            {
                var (committed, position) = events[i];
                await context.Gate.PassAsync(cancellationToken).ConfigureAwait(false);
                cancellationToken.ThrowIfCancellationRequested();
                var outcome = await handling.RunAsync(committed, cancellationToken).ConfigureAwait(false);
                if (outcome is not null) context.Record(outcome, [committed]);
                var unwritten = progress.MoveTo(position, State);
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
        State = context.Progress.State;
        await handling.DeliverAsync(committed, cancellationToken).ConfigureAwait(false);
        context.Progress.Unpark(committed.Checkpoint.Value, State);
    }

    /// <summary>Handles an event, and makes the next state. The state stays as it is if this fails.</summary>
    protected abstract ValueTask HandleAsync(CommittedEvent committed, CancellationToken cancellationToken);
}

/// <summary>Passes events to a delegate. There is no state.</summary>
internal sealed class DelegatePump(PumpContext context, Func<CommittedEvent, CancellationToken, ValueTask> handle) : EventPump(context)
{
    protected override ValueTask HandleAsync(CommittedEvent committed, CancellationToken cancellationToken) =>
        handle(committed, cancellationToken);
}

/// <summary>Applies events to the state of a projection.</summary>
internal sealed class ProjectionPump<TState>(PumpContext context, string consumer, Projection<TState> projection) : EventPump(context)
    where TState : class
{
    protected override ValueTask HandleAsync(CommittedEvent committed, CancellationToken cancellationToken)
    {
        var applying = projection.ApplyAsync((TState?)State ?? projection.Initial, committed, cancellationToken);
        if (!applying.IsCompletedSuccessfully) return FollowAsync(applying, committed);
        State = Require(applying.Result, committed);
        return default;
    }

    private async ValueTask FollowAsync(ValueTask<TState> applying, CommittedEvent committed) =>
        State = Require(await applying.ConfigureAwait(false), committed);

    // A null in place of the state would begin it again.
    private TState Require(TState? next, CommittedEvent committed) =>
        next ?? throw new ProjectionException(consumer, committed.Stream, committed.Checkpoint);
}
