using EventStore.Deliveries;
using EventStore.Feeds;

namespace EventStore.Consumers;

/// <summary>Makes events available to be pulled.</summary>
internal sealed class PullPump(PumpContext context, PulledEvents pulled) : IPump
{
    public async ValueTask DeliverAsync(FeedEvents events, CancellationToken cancellationToken)
    {
        for (var i = 0; i < events.Count; i++)
        {
            var (committed, position) = events[i];
            await pulled.EnterWindowAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                await context.Gate.EnterAsync(cancellationToken).ConfigureAwait(false);
            }
            catch
            {
                pulled.LeaveWindow();
                throw;
            }

            var unit = new DeliveryUnit(position, count: 1);
            context.Progress.Begin(unit);
            pulled.Add(committed, unit, context);
            context.Gate.Leave();
        }
    }

    public ValueTask DeliverParkedAsync(CommittedEvent committed, CancellationToken cancellationToken) =>
        throw new NotSupportedException("Events that are pulled are never parked: leave them unacknowledged, or acknowledge them.");

    public void Begin() => pulled.Clear();

    public void Stop() => pulled.End(failure: null);

    public void End(Exception? failure) => pulled.End(failure);
}
