using EventStore.Pipeline;

namespace EventStore.Feeds;

/// <summary>
/// Feeds one stream. Stored events are read from the stream itself, so that they cost no more than the stream has events. New events are
/// found in the pages of the store. A stream that was deleted and created again is fed from its beginning.
/// </summary>
/// <remarks>
/// The next event is always the first one after the checkpoint of the position. Its revision is derived from that.
/// A revision alone does not name a life of the stream, and the stream's head moves while the head of the store is read.
/// </remarks>
internal sealed class StreamFeed(SharedPages shared, ReadPath reads, FeedRequest request) : IFeed
{
    private readonly PageReader pages = reads.Pages;
    private readonly EventFilter filter = request.Source.Filter;

    // While stored events are read: the head of the store before the first of them, and the next revision, null where it has to be found.
    // What is known of these is kept when the storage is unavailable, so that a search continues where it was.
    private Checkpoint? headBefore;
    private Revision? next;

    // The stream in which that revision was found; null until a page showed it.
    private Checkpoint? incarnation;
    private (long Low, long High, long Middle)? search;
    private bool isLive;

    // The highest revision that was handled, also where its event was truncated. What is truncated above it was missed.
    private long handled;

    private StreamId Stream { get; } = request.Source.Stream
        ?? throw new ArgumentException("The source is not a stream.", nameof(request));

    public async ValueTask<FeedPosition> FindOriginAsync(ConsumerStart start, CancellationToken cancellationToken)
    {
        if (start.IsCurrent) return new((await pages.FindHeadAsync(cancellationToken).ConfigureAwait(false)).Value, 0);
        var revision = start.Revision;
        if (revision == Revision.None) return new(start.Checkpoint.Value, 0);
        return await pages.FindAsync(Stream, revision, cancellationToken).ConfigureAwait(false) is { } found
            ? new(found.Checkpoint.Value, revision.Value)
            : new(0, 0, Awaited: revision.Value);
    }

    public async ValueTask<long> FindLagAsync(FeedPosition position, CancellationToken cancellationToken)
    {
        var following = await FindNextAsync(position, cancellationToken).ConfigureAwait(false);
        var last = (await pages.FindHeadAsync(Stream, cancellationToken).ConfigureAwait(false))?.Revision.Value ?? 0;
        return Math.Max(0, last - following.Value + 1);
    }

    public ValueTask<FeedPage> ReadAsync(FeedPosition position, CancellationToken cancellationToken) =>
        isLive ? ReadNewAsync(position, cancellationToken) : ReadStoredAsync(position, cancellationToken);

    private async ValueTask<FeedPage> ReadStoredAsync(FeedPosition position, CancellationToken cancellationToken)
    {
        if (headBefore is not { } known)
        {
            known = await pages.FindHeadAsync(cancellationToken).ConfigureAwait(false);
            request.RequireReached(position, known);
            headBefore = known;
        }

        var from = next ??= await FindNextAsync(position, cancellationToken).ConfigureAwait(false);
        var read = new StreamRead(Stream, from, Revision.Max, ReadDirection.Forward, PageReader.FullPage);
        var page = await pages.ReadStreamPageAsync(read, cancellationToken).ConfigureAwait(false);

        // After the first page is read, the event before it shows whether the stream is still the one in which its place was found.
        var isFound = incarnation is { } before
            ? page.State.Incarnation == before
            : await IsBehindAsync(position, new Revision(from.Value - 1), cancellationToken).ConfigureAwait(false);
        incarnation = isFound ? page.State.Incarnation : null;
        if (!isFound)
        {
            (next, search) = (null, null);
            handled = Math.Max(handled, position.Revision);
            return new FeedPage(default, position with { Revision = 0 }, Lag: 0, IsEnd: false);
        }

        handled = long.Max(handled, long.Max(position.Revision, long.Max(position.Awaited, from.Value - 1)));
        var missed = long.Max(0, page.State.FirstRevision.Value - 1 - handled);
        if (position.Awaited == 0) position = position with { Revision = from.Value - 1 };
        var (events, reached) = Show(page.Events, position);
        if (!page.IsEnd)
        {
            next = page.Events.Span[^1].Revision + 1;
            return new FeedPage(events, reached, Math.Max(0, page.State.Revision.Value - reached.Revision), IsEnd: false, missed);
        }

        // The position is now after all events of the stream up to the head that was known before.
        isLive = true;
        return new FeedPage(events, reached with { Checkpoint = Math.Max(reached.Checkpoint, known.Value) }, Lag: 0, IsEnd: false, missed);
    }

    private async ValueTask<FeedPage> ReadNewAsync(FeedPosition position, CancellationToken cancellationToken)
    {
        var page = await shared.ReadAsync(filter, new Checkpoint(position.Checkpoint), cancellationToken).ConfigureAwait(false);
        request.RequireReached(position, page.Head);
        var missed = page.Events.IsEmpty || position.Revision == 0 ? 0 : page.Events.Span[0].Revision.Value - position.Revision - 1;
        var (events, reached) = Show(page.Events, position);
        return new FeedPage(
            events, reached with { Checkpoint = page.Position.Value }, Lag: page.IsEnd ? 0 : 1, page.IsEnd, Math.Max(0, missed));
    }

    // The revision of the first event after the position.
    private async ValueTask<Revision> FindNextAsync(FeedPosition position, CancellationToken cancellationToken)
    {
        if (position.Awaited > 0) return new Revision(position.Awaited + 1);
        if (position.Checkpoint == 0) return new Revision(1);
        if (search is null)
        {
            var reached = new Revision(position.Revision);
            if (reached != Revision.None && await IsBehindAsync(position, reached, cancellationToken).ConfigureAwait(false))
                return reached + 1;
            var last = (await pages.FindHeadAsync(Stream, cancellationToken).ConfigureAwait(false))?.Revision.Value ?? 0;
            search = (0, last, last);
        }

        while (search is { } at && at.Low < at.High)
        {
            var isBehind = await IsBehindAsync(position, new Revision(at.Middle), cancellationToken).ConfigureAwait(false);
            var (low, high) = isBehind ? (at.Middle, at.High) : (at.Low, at.Middle - 1);
            search = (low, high, low + ((high - low + 1) / 2));
        }

        return new Revision(search.Value.Low + 1);
    }

    // Whether an event is there, and was stored before the position was taken. Revision 0 is the place before the first event.
    private async ValueTask<bool> IsBehindAsync(FeedPosition position, Revision revision, CancellationToken cancellationToken) =>
        revision == Revision.None || position.Awaited > 0 || await pages.IsThereAsync(
            Stream, revision, new Checkpoint(position.Checkpoint), cancellationToken).ConfigureAwait(false);

    // The events after the position and after the place where delivery begins.
    private (FeedEvents Events, FeedPosition Reached) Show(ReadOnlyMemory<RecordedEvent> page, FeedPosition position)
    {
        var skipped = 0;
        foreach (ref readonly var recorded in page.Span)
        {
            var (checkpoint, revision) = (recorded.Checkpoint.Value, recorded.Revision.Value);
            if (checkpoint > position.Checkpoint)
            {
                position = new(checkpoint, revision, revision <= position.Awaited ? position.Awaited : 0);
                if (position.Awaited == 0 && !request.IsBeforeOrigin(checkpoint)) break;
            }

            skipped++;
        }

        if (skipped == page.Length) return (default, position);
        var last = page.Span[^1];
        return (FeedEvents.Of(reads, page[skipped..]), new(last.Checkpoint.Value, last.Revision.Value));
    }
}
