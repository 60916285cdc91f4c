using EventStore.Pipeline;

namespace EventStore.Feeds;

/// <summary>Feeds the events of the store that match a filter, and a condition if there is one.</summary>
internal sealed class FilterFeed(SharedPages shared, ReadPath reads, FeedRequest request) : IFeed
{
    private readonly EventPredicate? condition = request.Source.Condition;

    public async ValueTask<FeedPosition> FindOriginAsync(ConsumerStart start, CancellationToken cancellationToken) => start.IsCurrent
        ? new((await reads.Pages.FindHeadAsync(cancellationToken).ConfigureAwait(false)).Value, 0)
        : new(start.Checkpoint.Value, 0);

    public async ValueTask<long> FindLagAsync(FeedPosition position, CancellationToken cancellationToken) =>
        Math.Max(0, (await reads.Pages.FindHeadAsync(cancellationToken).ConfigureAwait(false)).Value - position.Checkpoint);

    public async ValueTask<FeedPage> ReadAsync(FeedPosition position, CancellationToken cancellationToken)
    {
        var after = new Checkpoint(position.Checkpoint);
        var page = await shared.ReadAsync(request.Source.Filter, after, cancellationToken).ConfigureAwait(false);
        request.RequireReached(position, page.Head);
        var events = new FeedEvent[page.Events.Length];
        var count = 0;
        foreach (ref readonly var recorded in page.Events.Span)
        {
            if (request.IsBeforeOrigin(recorded.Checkpoint.Value)) continue;
            if (condition is not null && !reads.Holds(condition, recorded)) continue;
            if (reads.Show(recorded, EventDecoding.OnDemand) is { } shown)
                events[count++] = new(shown, new(recorded.Checkpoint.Value, recorded.Revision.Value));
        }

        var reached = new FeedPosition(page.Position.Value, position.Revision);
        return new FeedPage(events.AsMemory(0, count), reached, page.Head.Value - page.Position.Value, page.IsEnd);
    }
}
