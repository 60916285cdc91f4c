using EventStore.Pipeline;

namespace EventStore.Feeds;

/// <summary>Opens the feed of whatever a consumer reads, and reads single events and heads for it.</summary>
/// <param name="shared">The pages that all feeds read together.</param>
/// <param name="reads">The events.</param>
/// <param name="openReadStream">Opens the feed of a read stream.</param>
internal sealed class EventFeeds(SharedPages shared, ReadPath reads, Func<FeedRequest, IFeed> openReadStream)
{
    public IFeed Open(FeedRequest request) =>
        request.Source.Stream is not null ? new StreamFeed(shared, reads, request)
        : request.Source.ReadStream is not null ? openReadStream(request)
        : new FilterFeed(shared, reads, request);

    /// <exception cref="ObjectDisposedException">The store is disposed.</exception>
    public void ThrowIfEnded() => reads.Pages.ThrowIfEnded();

    /// <summary>Where a reader that begins now is to begin.</summary>
    public ValueTask<FeedPosition> FindOriginAsync(
        string reader, ConsumerSource source, ConsumerStart start, CancellationToken cancellationToken) =>
        Open(new FeedRequest(reader, source, default)).FindOriginAsync(start, cancellationToken);

    /// <summary>
    /// The first position of a reader: its origin, or the head of the store while that is before the origin. So a position is never after
    /// what was read, and one that is shows that the store was set back.
    /// </summary>
    public async ValueTask<FeedPosition> FindStartAsync(FeedPosition origin, CancellationToken cancellationToken)
    {
        if (origin.Checkpoint == 0) return origin;
        var head = await FindHeadAsync(cancellationToken).ConfigureAwait(false);
        return origin with { Checkpoint = Math.Min(origin.Checkpoint, head.Value) };
    }

    /// <summary>How much of a source lies after a position: events of a stream, links of a read stream, otherwise checkpoints.</summary>
    public async ValueTask<long> FindLagAsync(
        string reader, ConsumerSource source, FeedPosition position, CancellationToken cancellationToken)
    {
        try
        {
            var feed = Open(new FeedRequest(reader, source, default));
            return await feed.FindLagAsync(position, cancellationToken).ConfigureAwait(false);
        }
        catch (ReadStreamException)
        {
            return 0; // it was dropped
        }
    }

    /// <summary>The event at a checkpoint; null where it was deleted or is hidden.</summary>
    public ValueTask<CommittedEvent?> FindEventAsync(Checkpoint checkpoint, CancellationToken cancellationToken) =>
        reads.FindEventAsync(checkpoint, cancellationToken);

    /// <summary>The newest checkpoint of the store.</summary>
    public ValueTask<Checkpoint> FindHeadAsync(CancellationToken cancellationToken) => reads.Pages.FindHeadAsync(cancellationToken);

    /// <summary>Returns when there may be events after a position, at the latest after some time.</summary>
    public ValueTask WaitForCommitsAsync(FeedPosition after, TimeSpan atMost, CancellationToken cancellationToken) =>
        reads.Pages.WaitForCommitsAsync(new Checkpoint(after.Checkpoint), atMost, cancellationToken);
}
