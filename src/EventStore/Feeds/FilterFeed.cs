using EventStore.Pipeline;

namespace EventStore.Feeds;

/// <summary>Feeds the events of the store that match a filter, and a condition if there is one.</summary>
internal sealed class FilterFeed(SharedPages shared, ReadPath reads, FeedRequest request) : IFeed
{
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
        var events = FeedEvents.Of(reads, request.AfterOrigin(page.Events), request.Source.Condition);
        var reached = new FeedPosition(page.Position.Value, position.Revision);
        return new FeedPage(events, reached, page.Head.Value - page.Position.Value, page.IsEnd);
    }
}
