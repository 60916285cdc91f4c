using EventStore.Feeds;

namespace EventStore.ReadStreams;

/// <summary>Feeds the events of a read stream, and fills it while reading.</summary>
internal sealed class LinkFeed(Func<CancellationToken, ValueTask<ReadStream>> open, FeedRequest request) : IFeed
{
    private const int PageLinks = 256;
    private ReadStream? opened;

    // The link after which to read; found by the checkpoint of the position, because a rebuild gives links new numbers.
    private long? last;

    // The links that are not all fed yet. Kept when the storage is unavailable, so that a page does not begin with filling again.
    private Links? filled;

    public async ValueTask<FeedPosition> FindOriginAsync(ConsumerStart start, CancellationToken cancellationToken)
    {
        var stream = await open(cancellationToken).ConfigureAwait(false);
        if (start == ConsumerStart.Origin || start.Checkpoint != Checkpoint.Origin) return new(start.Checkpoint.Value, 0);
        var links = await stream.FillToHeadAsync(cancellationToken).ConfigureAwait(false);
        if (start.IsCurrent) return new(links.FilledTo, links.Count);

        var revision = start.Revision.Value;
        return revision <= links.Count
            ? new((await stream.CheckpointOfAsync(links, revision, cancellationToken).ConfigureAwait(false)).Value, revision)
            : new(0, 0, Awaited: revision);
    }

    public async ValueTask<long> FindLagAsync(FeedPosition position, CancellationToken cancellationToken)
    {
        var stream = await open(cancellationToken).ConfigureAwait(false);
        var links = await stream.FillToHeadAsync(cancellationToken).ConfigureAwait(false);
        var reached = await stream.RevisionAtAsync(links, position.Checkpoint, cancellationToken).ConfigureAwait(false);
        return Math.Max(0, links.Count - Math.Max(reached, position.Awaited));
    }

    public async ValueTask<FeedPage> ReadAsync(FeedPosition position, CancellationToken cancellationToken)
    {
        while (true)
        {
            var stream = opened ??= await open(cancellationToken).ConfigureAwait(false);
            try
            {
                return await ReadAsync(stream, position, cancellationToken).ConfigureAwait(false);
            }
            catch (ReadStreamException)
            {
                // It was rebuilt, and is opened again; or dropped, then opening it throws.
                (opened, last, filled) = (null, null, null);
            }
        }
    }

    private async ValueTask<FeedPage> ReadAsync(ReadStream stream, FeedPosition position, CancellationToken cancellationToken)
    {
        var links = filled ??= await stream.FillToHeadAsync(cancellationToken).ConfigureAwait(false);
        request.RequireReached(position, new Checkpoint(links.FilledTo));
        last ??= await stream.RevisionAtAsync(links, position.Checkpoint, cancellationToken).ConfigureAwait(false);

        var from = Math.Max(last.Value, position.Awaited);
        var to = Math.Min(links.Count, from + PageLinks);
        var events = new List<FeedEvent>();
        await foreach (var link in stream.ReadAsync(links, from + 1, to, ReadDirection.Forward, cancellationToken).ConfigureAwait(false))
        {
            var checkpoint = link.Event.Checkpoint.Value;
            if (!request.IsBeforeOrigin(checkpoint)) events.Add(new(link.Event, new(checkpoint, link.Revision.Value)));
        }

        var isEnd = to >= links.Count;
        var (reached, awaited) = (position.Checkpoint, to > position.Awaited ? 0 : position.Awaited);
        if (isEnd) reached = Math.Max(reached, links.FilledTo);
        else if (events.Count > 0) reached = events[^1].Position.Checkpoint;
        last = Math.Max(last.Value, to);
        if (isEnd) filled = null;
        return new FeedPage(
            new FeedEvents(events.ToArray()), new(reached, last.Value, awaited), Math.Max(0, links.Count - last.Value), isEnd);
    }
}
