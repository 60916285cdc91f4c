using EventStore.Deliveries;
using EventStore.Feeds;

namespace EventStore.Consumers;

/// <summary>
/// Delivers units, which are batches or single events, on as many lanes as streams may be handled at once. The next page begins when all
/// lanes are done with this one.
/// </summary>
internal sealed class UnitPump : IPump
{
    private readonly PumpContext context;
    private readonly int unitSize;
    private readonly FailurePolicy.Handling<IReadOnlyList<CommittedEvent>> handling;

    public UnitPump(PumpContext context, Func<IReadOnlyList<CommittedEvent>, CancellationToken, ValueTask> handle, int unitSize)
    {
        (this.context, this.unitSize) = (context, unitSize);
        handling = context.Policy.Apply(handle, static events => events[0]);
    }

    public async ValueTask DeliverAsync(FeedEvents events, CancellationToken cancellationToken)
    {
        if (events.Count == 0) return;
        await Lanes<Unit>.RunAsync(context.Options.Parallelism, Begin(events), WorkAsync, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DeliverParkedAsync(CommittedEvent committed, CancellationToken cancellationToken)
    {
        await handling.DeliverAsync([committed], cancellationToken).ConfigureAwait(false);
        context.Progress.Unpark(committed.Checkpoint.Value, context.Progress.State);
    }

    private IEnumerable<(StreamId Stream, Unit Unit)> Begin(FeedEvents events)
    {
        foreach (var unit in UnitsOf(events))
        {
            context.Progress.Begin(unit.Delivered);
            yield return (unit.Events[0].Stream, unit);
        }
    }

    private async ValueTask WorkAsync(Unit unit, CancellationToken cancellationToken)
    {
        await context.Gate.EnterAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            context.Record(await handling.RunAsync(unit.Events, cancellationToken).ConfigureAwait(false), unit.Events);
            context.Progress.Finish(unit.Delivered);
        }
        finally
        {
            context.Gate.Leave();
        }

        await context.WriteIfDueAsync(cancellationToken).ConfigureAwait(false);
    }

    // A batch holds one stream only where lanes keep the order of streams, or where the options group by stream.
    private IEnumerable<Unit> UnitsOf(FeedEvents events)
    {
        var isGrouped = context.Options.Grouping == BatchGrouping.ByStreamAndCorrelation;
        var isOfOneStream = isGrouped || context.Options.Parallelism > 1;
        var batch = new List<CommittedEvent>();
        var position = default(FeedPosition);
        for (var i = 0; i < events.Count; i++)
        {
            var (committed, after) = events[i];
            if (batch.Count == unitSize || (batch.Count > 0 && !BelongsTo(batch[0], committed)))
            {
                yield return new Unit([.. batch], new DeliveryUnit(position, batch.Count));
                batch.Clear();
            }

            batch.Add(committed);
            position = after;
        }

        yield return new Unit([.. batch], new DeliveryUnit(position, batch.Count));

        bool BelongsTo(CommittedEvent first, CommittedEvent next) =>
            (!isOfOneStream || first.Stream == next.Stream) && (!isGrouped || CorrelationOf(first) == CorrelationOf(next));
    }

    // An event's own header, or its commit's.
    private static string? CorrelationOf(CommittedEvent committed) =>
        committed.Headers.TryGetValue(EventHeaders.CorrelationId, out var own)
            || committed.CommitHeaders.TryGetValue(EventHeaders.CorrelationId, out own) ? own : null;

    private sealed record Unit(IReadOnlyList<CommittedEvent> Events, DeliveryUnit Delivered);
}
