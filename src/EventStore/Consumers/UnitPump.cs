using EventStore.Feeds;

namespace EventStore.Consumers;

/// <summary>
/// Hands over units, which are batches or single events, on as many lanes as streams may be handled at once. A stream always takes the same
/// lane, which keeps its order; the next page begins when all lanes are done with this one.
/// </summary>
internal sealed class UnitPump(
    PumpContext context, Func<IReadOnlyList<CommittedEvent>, CancellationToken, ValueTask> handle, int unitSize) : IPump
{
    public async ValueTask DeliverAsync(ReadOnlyMemory<FeedEvent> events, ConsumerProgress progress, CancellationToken cancellationToken)
    {
        if (events.IsEmpty) return;
        var lanes = new List<Unit>[context.Options.Parallelism];
        foreach (var unit in UnitsOf(events))
        {
            progress.Begin(unit.Delivered);
            (lanes[(uint)unit.Events[0].Stream.GetHashCode() % lanes.Length] ??= []).Add(unit);
        }

        using var failing = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task[] working = [.. lanes.Where(lane => lane is not null).Select(lane => WorkAsync(lane, progress, failing))];
        await Task.WhenAll(working).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        // Lanes that were called off because another one failed say nothing of why.
        cancellationToken.ThrowIfCancellationRequested();
        await (Array.Find(working, lane => lane.IsFaulted) ?? Task.WhenAll(working)).ConfigureAwait(false);
    }

    public async ValueTask HandleAgainAsync(CommittedEvent committed, ConsumerProgress progress, CancellationToken cancellationToken)
    {
        await handle([committed], cancellationToken).ConfigureAwait(false);
        progress.Unpark(committed.Checkpoint.Value, progress.State);
    }

    private async Task WorkAsync(List<Unit> lane, ConsumerProgress progress, CancellationTokenSource failing)
    {
        try
        {
            foreach (var unit in lane)
            {
                await context.Gate.EnterAsync(failing.Token).ConfigureAwait(false);
                try
                {
                    failing.Token.ThrowIfCancellationRequested();
                    var outcome = await context.Policy.RunAsync(unit.Events, unit.Events[0], handle, failing.Token).ConfigureAwait(false);
                    PumpContext.Note(outcome, unit.Events, progress);
                    progress.Finish(unit.Delivered);
                }
                finally
                {
                    context.Gate.Leave();
                }

                await context.WriteIfDueAsync(progress, failing.Token).ConfigureAwait(false);
            }
        }
        catch
        {
            await failing.CancelAsync().ConfigureAwait(false);
            throw;
        }
    }

    // Batches never mix streams where lanes keep the order of streams, nor where it is asked.
    private IEnumerable<Unit> UnitsOf(ReadOnlyMemory<FeedEvent> events)
    {
        var isGrouped = context.Options.Grouping == BatchGrouping.ByStreamAndCorrelation;
        var isOfOneStream = isGrouped || context.Options.Parallelism > 1;
        var batch = new List<CommittedEvent>();
        for (var i = 0; i < events.Length; i++)
        {
            var (committed, position) = events.Span[i];
            batch.Add(committed);
            if (batch.Count < unitSize && i + 1 < events.Length && BelongsTo(batch[0], events.Span[i + 1].Committed)) continue;
            yield return new Unit([.. batch], new DeliveredUnit(position, batch.Count));
            batch.Clear();
        }

        bool BelongsTo(CommittedEvent first, CommittedEvent next) =>
            (!isOfOneStream || first.Stream == next.Stream) && (!isGrouped || CorrelationOf(first) == CorrelationOf(next));
    }

    // An event's own header, or its commit's.
    private static string? CorrelationOf(CommittedEvent committed) =>
        committed.Headers.TryGetValue(EventHeaders.CorrelationId, out var own) || committed.CommitHeaders.TryGetValue(EventHeaders.CorrelationId, out own) ? own : null;

    private sealed record Unit(IReadOnlyList<CommittedEvent> Events, DeliveredUnit Delivered);
}
