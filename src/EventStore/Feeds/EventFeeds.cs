using EventStore.Pipeline;

namespace EventStore.Feeds;

/// <summary>Opens the feed of whatever a consumer reads, and reads single events and heads for it.</summary>
/// <param name="shared">The pages that all feeds read together.</param>
/// <param name="reads">The events.</param>
/// <param name="openReadStream">Opens the feed of a read stream by its name.</param>
internal sealed class EventFeeds(SharedPages shared, ReadPath reads, Func<string, IFeed> openReadStream)
{
    public IFeed Open(ConsumerSource source) =>
        source.Stream is { } stream ? new StreamFeed(shared, reads, stream)
        : source.ReadStream is { } readStream ? openReadStream(readStream)
        : new FilterFeed(shared, reads, source.Filter, source.Condition);

    /// <exception cref="ObjectDisposedException">The store is disposed.</exception>
    public void ThrowIfEnded() => reads.Pages.ThrowIfEnded();

    /// <summary>Where a consumer begins to read a feed.</summary>
    public static async ValueTask<FeedPosition> FindStartAsync(IFeed feed, ConsumerStart start, CancellationToken cancellationToken) =>
        start.IsCurrent
        ? await feed.FindCurrentAsync(cancellationToken).ConfigureAwait(false)
        : new FeedPosition(start.Checkpoint.Value, start.Revision.Value);

    /// <summary>How much of a source lies after a position now: events of a stream, links of a read stream, otherwise checkpoints.</summary>
    public async ValueTask<long> FindLagAsync(ConsumerSource source, FeedPosition position, CancellationToken cancellationToken)
    {
        try
        {
            var current = await Open(source).FindCurrentAsync(cancellationToken).ConfigureAwait(false);
            if (source.Stream is null && source.ReadStream is null) return Math.Max(0, current.Checkpoint - position.Checkpoint);

            // A stream that was deleted and created again may have fewer events than were handled before.
            return current.Revision >= position.Revision ? current.Revision - position.Revision : current.Revision;
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
