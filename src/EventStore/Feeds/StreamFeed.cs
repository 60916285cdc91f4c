using EventStore.Pipeline;

namespace EventStore.Feeds;

/// <summary>
/// Feeds one stream. Stored events are read from the stream itself, so that they cost no more than the stream has events. New events are
/// found in the pages of the store. A stream that was deleted and created again is fed from its beginning.
/// </summary>
internal sealed class StreamFeed(SharedPages shared, ReadPath reads, StreamId stream) : IFeed
{
    private readonly PageReader pages = reads.Pages;
    private readonly EventFilter filter = new() { Bucket = stream.Bucket, Category = stream.Category, Id = stream.Id };

    // The next revision to read, and the head of the store known before that. Null after the end was reached.
    private Revision? next;
    private long headBefore = -1;
    private bool isBegun;

    public async ValueTask<FeedPosition> FindCurrentAsync(CancellationToken cancellationToken)
    {
        var head = await pages.FindHeadAsync(cancellationToken).ConfigureAwait(false);
        var found = await pages.FindHeadAsync(stream, cancellationToken).ConfigureAwait(false);
        return new(head.Value, found?.Revision.Value ?? 0);
    }

    public async ValueTask<FeedPage> ReadAsync(FeedPosition position, CancellationToken cancellationToken)
    {
        if (!isBegun) (isBegun, next) = (true, new Revision(position.Revision + 1));
        return next is { } from
            ? await ReadStoredAsync(from, position, cancellationToken).ConfigureAwait(false)
            : await ReadNewAsync(position, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<FeedPage> ReadStoredAsync(Revision from, FeedPosition position, CancellationToken cancellationToken)
    {
        if (headBefore < 0) headBefore = (await pages.FindHeadAsync(cancellationToken).ConfigureAwait(false)).Value;
        var read = new StreamRead(stream, from, Revision.Max, ReadDirection.Forward, PageReader.FullPage);
        var page = await pages.ReadStreamPageAsync(read, cancellationToken).ConfigureAwait(false);

        // After the page is read, the event of the position shows whether the stream is still the one in which the position was taken.
        if (from.Value > 1 && position.Checkpoint > 0
            && !await pages.IsThereAsync(
                stream, new Revision(position.Revision), new Checkpoint(position.Checkpoint), cancellationToken).ConfigureAwait(false))
        {
            next = new Revision(1);
            return new FeedPage(default, position, Lag: 0, IsEnd: false);
        }

        var (events, reached) = Show(page.Events.Span, position);
        next = page.Events.IsEmpty ? from : page.Events.Span[^1].Revision + 1;
        if (!page.IsEnd) return new FeedPage(events, reached, Math.Max(0, page.State.Revision.Value - reached.Revision), IsEnd: false);

        // The position is now after all events of the stream up to the head that was known before.
        next = null;
        return new FeedPage(events, reached with { Checkpoint = Math.Max(reached.Checkpoint, headBefore) }, Lag: 0, IsEnd: false);
    }

    private async ValueTask<FeedPage> ReadNewAsync(FeedPosition position, CancellationToken cancellationToken)
    {
        var page = await shared.ReadAsync(filter, new Checkpoint(position.Checkpoint), cancellationToken).ConfigureAwait(false);
        var (events, reached) = Show(page.Events.Span, position);
        return new FeedPage(events, reached with { Checkpoint = page.Position.Value }, Lag: page.IsEnd ? 0 : 1, page.IsEnd);
    }

    // The events after the position: by checkpoint, and by revision where only a revision was given. Revision 1 begins a stream created
    // again.
    private (ReadOnlyMemory<FeedEvent> Events, FeedPosition Reached) Show(ReadOnlySpan<RecordedEvent> recordedEvents, FeedPosition position)
    {
        var events = new FeedEvent[recordedEvents.Length];
        var count = 0;
        foreach (ref readonly var recorded in recordedEvents)
        {
            var (checkpoint, revision) = (recorded.Checkpoint.Value, recorded.Revision.Value);
            if (checkpoint <= position.Checkpoint || (revision <= position.Revision && revision != 1)) continue;
            position = new(checkpoint, revision);
            if (reads.Show(recorded, EventDecoding.OnDemand) is { } shown) events[count++] = new(shown, position);
        }

        return (events.AsMemory(0, count), position);
    }
}
