using EventStore.Feeds;
using EventStore.Pipeline;

namespace EventStore.ReadStreams;

/// <summary>Feeds the events of a read stream, and fills it while reading.</summary>
internal sealed class LinkFeed(Func<CancellationToken, ValueTask<ReadStream>> open, PageReader pages) : IFeed
{
    private const int PageLinks = 256;
    private ReadStream? opened;

    // The link after which to read; found by checkpoint where there is one, because a rebuild gives links new numbers.
    private long? last;

    public async ValueTask<FeedPosition> FindCurrentAsync(CancellationToken cancellationToken)
    {
        var head = await pages.FindHeadAsync(cancellationToken).ConfigureAwait(false);
        var links = await (await open(cancellationToken).ConfigureAwait(false)).FillAsync(head, cancellationToken).ConfigureAwait(false);
        return new(Math.Max(head.Value, links.FilledTo), links.Count);
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
                (opened, last) = (null, null);
            }
        }
    }

    private async ValueTask<FeedPage> ReadAsync(ReadStream stream, FeedPosition position, CancellationToken cancellationToken)
    {
        var head = await pages.FindHeadAsync(cancellationToken).ConfigureAwait(false);
        var links = await stream.FillAsync(head, cancellationToken).ConfigureAwait(false);
        last ??= position.Checkpoint > 0
            ? await stream.RevisionAtAsync(links, position.Checkpoint, cancellationToken).ConfigureAwait(false)
            : position.Revision;

        var from = last.Value;
        var to = Math.Min(links.Count, from + PageLinks);
        var events = new List<FeedEvent>();
        await foreach (var link in stream.ReadAsync(links, from + 1, to, ReadDirection.Forward, cancellationToken).ConfigureAwait(false))
            events.Add(new(link.Event, new(link.Event.Checkpoint.Value, link.Revision.Value)));

        last = Math.Max(from, to);
        var isEnd = to >= links.Count;
        var reached = isEnd ? Math.Max(position.Checkpoint, links.FilledTo)
            : events.Count > 0 ? events[^1].Position.Checkpoint
            : position.Checkpoint;
        return new FeedPage(events.ToArray(), new(reached, last.Value), Math.Max(0, links.Count - last.Value), isEnd);
    }
}
