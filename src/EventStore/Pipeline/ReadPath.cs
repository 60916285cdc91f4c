using System.Runtime.CompilerServices;

namespace EventStore.Pipeline;

/// <summary>
/// The only path by which events are read: pages from the engine, decoded by the codec, then passed through the read hooks.
/// A read returns its whole range or throws.
/// </summary>
internal sealed class ReadPath(PageReader pages, EventCodec codec, PipelineHooks hooks)
{
    /// <summary>The same events as stored bytes.</summary>
    public PageReader Pages => pages;

    /// <summary>Whether every stored event is shown as it is stored: there is no hook that could hide or replace one.</summary>
    public bool ShowsAll => !hooks.Any;

    public async IAsyncEnumerable<CommittedEvent> ReadStreamAsync(
        StreamId stream, StreamRange range, EventDecoding decoding, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var step = pages.StartRead("stream");
        var (from, to) = await ResolveAsync(stream, range, cancellationToken).ConfigureAwait(false);
        await foreach (var page in pages.ReadStreamAsync(stream, from, to, range.Direction, cancellationToken).ConfigureAwait(false))
        {
            for (var i = 0; i < page.Events.Length; i++)
            {
                pages.ThrowIfEnded();
                if (Show(page.Events.Span[i], decoding) is { } shown) yield return shown;
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }

    /// <summary>Reads a range into a list, for a stream object.</summary>
    /// <returns>
    /// The stream, and the last stored event, even where a hook hides it. Null for a range that is empty whatever the stream has.
    /// </returns>
    public async ValueTask<LoadedRange?> LoadAsync(
        StreamId stream, StreamRange range, List<CommittedEvent> into, CancellationToken cancellationToken)
    {
        using var step = pages.StartRead("stream");
        var (from, to) = await ResolveAsync(stream, range, cancellationToken).ConfigureAwait(false);
        LoadedRange? loaded = null;
        await foreach (var page in pages.ReadStreamAsync(stream, from, to, ReadDirection.Forward, cancellationToken).ConfigureAwait(false))
        {
            into.EnsureCapacity(into.Count + page.Events.Length);
            foreach (var recorded in page.Events.Span)
            {
                if (Show(recorded, EventDecoding.Eager) is { } shown) into.Add(shown);
            }

            loaded = new(page.State, page.Events.IsEmpty ? null : page.Events.Span[^1]);
        }

        return loaded;
    }

    public async IAsyncEnumerable<CommittedEvent> ReadAllAsync(
        EventQuery query, EventDecoding decoding, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var step = pages.StartRead("all");
        Func<RecordedEvent, CommittedEvent>? prepare = decoding == EventDecoding.Eager && !hooks.Any && query.Condition is null
            ? recorded => Decode(recorded, decoding)
            : null;
        var read = ReadPagesAsync(query, query.After, query.UpTo, PageReader.FullPage, cancellationToken)
            .OneAheadAsync(prepare, cancellationToken);
        await foreach (var (events, prepared) in read.ConfigureAwait(false))
        {
            for (var i = 0; i < events.Length; i++)
            {
                pages.ThrowIfEnded();
                if (Holds(query.Condition, events.Span[i])
                    && (i < prepared.Length ? prepared.Span[i] : Show(events.Span[i], decoding)) is { } shown) yield return shown;
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }

    /// <summary>The event at a checkpoint; null where it was deleted or is hidden.</summary>
    public async ValueTask<CommittedEvent?> FindEventAsync(Checkpoint checkpoint, CancellationToken cancellationToken) =>
        await pages.FindAsync(checkpoint, cancellationToken).ConfigureAwait(false) is { } found
            ? Show(found, EventDecoding.OnDemand)
            : null;

    /// <summary>The pages of a query, as far as the engine can filter them: <see cref="Holds"/> decides.</summary>
    public IAsyncEnumerable<StorePage> ReadPagesAsync(
        EventQuery query, Checkpoint after, Checkpoint upTo, PageLimit limit, CancellationToken cancellationToken)
    {
        var filter = query.Condition is { } condition ? query.Narrow(condition.Narrowed) : query;
        return pages.ReadAllAsync(new StoreRead(filter, after, upTo, query.Direction, limit), cancellationToken);
    }

    /// <summary>Whether a condition holds for a stored event; null holds for all.</summary>
    public bool Holds(EventPredicate? condition, RecordedEvent recorded) =>
        condition is null || Conditions.Hold(condition, recorded, codec);

    /// <summary>The stored event, of which hooks see nothing.</summary>
    public CommittedEvent Create(RecordedEvent recorded) => codec.Decode(recorded);

    /// <summary>The stored event as the application sees it; null when a hook hides it.</summary>
    public CommittedEvent? Show(RecordedEvent recorded, EventDecoding decoding)
    {
        if (!hooks.Any) return Decode(recorded, decoding);
        var shown = hooks.Select(codec.Decode(recorded));
        if (decoding == EventDecoding.Eager) _ = shown?.Body;
        return shown;
    }

    private CommittedEvent Decode(RecordedEvent recorded, EventDecoding decoding)
    {
        var committed = codec.Decode(recorded);
        if (decoding == EventDecoding.Eager) _ = committed.Body;
        return committed;
    }

    private async ValueTask<(Revision From, Revision To)> ResolveAsync(
        StreamId stream, StreamRange range, CancellationToken cancellationToken)
    {
        if (range is { AsOf: null, Last: null, IsRelativeToHead: false }) return (Max(range.From, new(1)), range.To);

        var head = (await pages.FindHeadAsync(stream, cancellationToken).ConfigureAwait(false))?.Revision ?? Revision.None;
        range = range.RelativeTo(head);
        var (from, to) = (Max(range.From, new(1)), new Revision(Math.Min(range.To.Value, head.Value)));
        if (range.AsOf is { } instant) to = await FindRevisionAsOfAsync(stream, instant, to, cancellationToken).ConfigureAwait(false);
        if (range.Last is { } count) from = new(Math.Max(from.Value, to.Value - count + 1));
        return (from, to);
    }

    // Stamps never decrease along a stream, so the last revision at an instant is found by binary search.
    private async ValueTask<Revision> FindRevisionAsOfAsync(
        StreamId stream, DateTimeOffset instant, Revision upTo, CancellationToken cancellationToken)
    {
        long low = 0, high = upTo.Value;
        while (low < high)
        {
            var middle = low + ((high - low + 1) / 2);
            if (await pages.FindAsync(stream, new Revision(middle), cancellationToken).ConfigureAwait(false) is not { } found)
                throw new ReadInterruptedException(stream, new Revision(middle));
            if (found.Commit.Stamp <= instant) low = middle;
            else high = middle - 1;
        }

        return new Revision(low);
    }

    private static Revision Max(Revision left, Revision right) => left > right ? left : right;
}

/// <summary>A range of a stream that was read.</summary>
/// <param name="State">The stream when it was read.</param>
/// <param name="Last">The last event of the range; null where it has none.</param>
internal readonly record struct LoadedRange(StreamState State, RecordedEvent? Last);
