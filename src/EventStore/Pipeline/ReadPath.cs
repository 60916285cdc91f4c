using System.Runtime.CompilerServices;
using EventStore.Diagnostics;

namespace EventStore.Pipeline;

/// <summary>
/// The one way by which events are read: page by page from the engine, checked for order and wholeness, then through codec and hooks.
/// A range is answered whole, or the read throws.
/// </summary>
internal sealed class ReadPath(IPersistenceEngine engine, EventCodec codec, PipelineHooks hooks, Liveness liveness, Telemetry telemetry)
{
    /// <summary>512 events keep a page of 72-byte entries off the large object heap; the bytes bound what a slow reader holds.</summary>
    public const int MaxPageEvents = 512;

    private const long MaxPageBytes = 4 << 20;

    /// <summary>As much as is read at once.</summary>
    public static PageLimit FullPage { get; } = new(MaxPageEvents, MaxPageBytes);

    public async IAsyncEnumerable<CommittedEvent> ReadStreamAsync(
        StreamId stream, StreamRange range, EventDecoding decoding, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var activity = Telemetry.StartRead("stream");
        var (from, to) = await ResolveAsync(stream, range, cancellationToken).ConfigureAwait(false);
        await foreach (var page in ReadStreamPagesAsync(stream, from, to, range.Direction, cancellationToken).ConfigureAwait(false))
        {
            for (var i = 0; i < page.Length; i++)
            {
                if (Show(page.Span[i], decoding) is { } shown) yield return shown;
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }

    /// <summary>Reads a range into a list, for a stream object.</summary>
    /// <returns>The last event as the engine has it, even where a hook hides it; null for an empty range.</returns>
    public async ValueTask<RecordedEvent?> LoadAsync(StreamId stream, StreamRange range, List<CommittedEvent> into, CancellationToken cancellationToken)
    {
        using var activity = Telemetry.StartRead("stream");
        var (from, to) = await ResolveAsync(stream, range, cancellationToken).ConfigureAwait(false);
        RecordedEvent? last = null;
        await foreach (var page in ReadStreamPagesAsync(stream, from, to, ReadDirection.Forward, cancellationToken).ConfigureAwait(false))
        {
            into.EnsureCapacity(into.Count + page.Length);
            foreach (ref readonly var recorded in page.Span)
            {
                if (Show(recorded, EventDecoding.Eager) is { } shown) into.Add(shown);
            }

            last = page.Span[^1];
        }

        return last;
    }

    public async IAsyncEnumerable<CommittedEvent> ReadAllAsync(
        EventFilter filter, Checkpoint after, Checkpoint upTo, ReadDirection direction, EventDecoding decoding, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var activity = Telemetry.StartRead("all");
        Func<RecordedEvent, CommittedEvent>? prepare = decoding == EventDecoding.Eager && !hooks.Any ? recorded => Show(recorded, decoding)! : null;
        var pages = ReadAllPagesAsync(filter, after, upTo, direction, MaxPageEvents, cancellationToken).OneAheadAsync(prepare, cancellationToken);
        await foreach (var (events, prepared) in pages.ConfigureAwait(false))
        {
            for (var i = 0; i < events.Length; i++)
            {
                if ((i < prepared.Length ? prepared.Span[i] : Show(events.Span[i], decoding)) is { } shown) yield return shown;
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }

    /// <summary>Pages of the store, each with how far it looked; empty ones included, so that whoever follows a rare filter moves on.</summary>
    public async IAsyncEnumerable<StorePage> ReadAllPagesAsync(
        EventFilter filter, Checkpoint after, Checkpoint upTo, ReadDirection direction, int pageEvents, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (low, high) = (after, upTo);
        Checkpoint? bound = null;
        while (low < high)
        {
            liveness.ThrowIfDisposed();
            var limit = new PageLimit(Math.Min(pageEvents, MaxPageEvents), MaxPageBytes);
            var page = await engine.ReadAllAsync(new StoreRead(filter, low, high, direction, limit), cancellationToken).ConfigureAwait(false);
            if (bound is null) high = Min(high, (bound = page.Head).Value);
            RequireOrder(page, low, high, direction);
            telemetry.Read(page.Events.Length);

            // The last page covers the rest of the range, also where its newest events were deleted.
            if (page.IsEnd)
            {
                yield return page with { Position = direction == ReadDirection.Forward ? Max(low, high) : low };
                yield break;
            }

            yield return page;
            if (direction == ReadDirection.Forward) low = Progress(page.Position, page.Position > low);
            else high = Progress(new Checkpoint(page.Position.Value - 1), page.Position <= high);
        }
    }

    /// <summary>Reads one page of the store after a checkpoint, up to what is there.</summary>
    public async ValueTask<StorePage> ReadPageAsync(EventFilter filter, Checkpoint after, CancellationToken cancellationToken)
    {
        liveness.ThrowIfDisposed();
        var page = await engine.ReadAllAsync(new StoreRead(filter, after, Checkpoint.Max, ReadDirection.Forward, FullPage), cancellationToken).ConfigureAwait(false);
        RequireOrder(page, after, Checkpoint.Max, ReadDirection.Forward);
        telemetry.Read(page.Events.Length);
        if (page.IsEnd) return page with { Position = Max(after, page.Head) };
        Progress(page.Position, page.Position > after);
        return page;
    }

    /// <summary>Reads one page of a stream.</summary>
    public async ValueTask<StreamPage> ReadStreamPageAsync(StreamRead read, CancellationToken cancellationToken)
    {
        liveness.ThrowIfDisposed();
        var page = await engine.ReadStreamAsync(read, cancellationToken).ConfigureAwait(false);
        telemetry.Read(page.Events.Length);
        return page;
    }

    /// <summary>The newest checkpoint of the store.</summary>
    public async ValueTask<Checkpoint> FindHeadAsync(CancellationToken cancellationToken)
    {
        liveness.ThrowIfDisposed();
        var page = await engine.ReadAllAsync(
            new StoreRead(EventFilter.Everything, Checkpoint.Origin, Checkpoint.Max, ReadDirection.Backward, new PageLimit(1, 1)), cancellationToken).ConfigureAwait(false);
        return page.Head;
    }

    /// <summary>The event at a checkpoint; null where it was deleted or is hidden.</summary>
    public async ValueTask<CommittedEvent?> FindEventAsync(Checkpoint checkpoint, CancellationToken cancellationToken)
    {
        liveness.ThrowIfDisposed();
        var page = await engine.ReadAllAsync(
            new StoreRead(EventFilter.Everything, new Checkpoint(checkpoint.Value - 1), checkpoint, ReadDirection.Forward, new PageLimit(1, 1)), cancellationToken).ConfigureAwait(false);
        return page.Events.IsEmpty ? null : Show(page.Events.Span[0], EventDecoding.OnDemand);
    }

    /// <summary>Whether a condition holds for an event as it is stored.</summary>
    public bool Holds(EventPredicate condition, in RecordedEvent recorded) => Conditions.Hold(condition, recorded, codec);

    /// <summary>What the application sees of a stored event; null when a hook hides it.</summary>
    public CommittedEvent? Show(in RecordedEvent recorded, EventDecoding decoding)
    {
        var committed = codec.Decode(recorded);
        var shown = hooks.Any ? hooks.Select(committed) : committed;
        if (decoding == EventDecoding.Eager) _ = shown?.Body;
        return shown;
    }

    /// <summary>Reads the stored bytes of a commit, as they were before the transforms, to compare them with what is asked again.</summary>
    public async ValueTask<List<RecordedEvent>> ReadCommitAsync(CommitRecord commit, CancellationToken cancellationToken)
    {
        var events = new List<RecordedEvent>(commit.EventCount);
        await foreach (var page in ReadStreamPagesAsync(commit.Stream, commit.FirstRevision, commit.LastRevision, ReadDirection.Forward, cancellationToken).ConfigureAwait(false))
            events.AddRange(page.Span);
        return events;
    }

    private async IAsyncEnumerable<ReadOnlyMemory<RecordedEvent>> ReadStreamPagesAsync(
        StreamId stream, Revision from, Revision to, ReadDirection direction, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (low, high) = (from, to);
        Revision? bound = null;
        RecordedEvent? before = null;
        while (low <= high)
        {
            liveness.ThrowIfDisposed();
            var page = await engine.ReadStreamAsync(new StreamRead(stream, low, high, direction, FullPage), cancellationToken).ConfigureAwait(false);
            if (bound is null) high = new(Math.Min(high.Value, (bound = page.Head).Value.Value));
            if (low > high) yield break;

            // The next revision is known before it is read: anything else means that the stream went away under the read.
            var forward = direction == ReadDirection.Forward;
            var expected = forward ? low : high;
            if (before is { } last && !await IsThereAsync(stream, last.Revision, last.Checkpoint, cancellationToken).ConfigureAwait(false)) throw new ReadInterruptedException(stream, expected);
            foreach (ref readonly var recorded in page.Events.Span)
            {
                if (recorded.Revision != expected) throw new ReadInterruptedException(stream, expected);
                expected = new(expected.Value + (forward ? 1 : -1));
            }

            if (page.Events.IsEmpty) throw new ReadInterruptedException(stream, expected);
            telemetry.Read(page.Events.Length);
            yield return page.Events;

            before = page.Events.Span[^1];
            if (forward) low = expected;
            else if (expected.Value == 0) yield break;
            else high = expected;
        }
    }

    /// <summary>Whether an event is still what is at its revision. One of another checkpoint is of a stream that was made anew after it was deleted.</summary>
    public async ValueTask<bool> IsThereAsync(StreamId stream, Revision revision, Checkpoint upTo, CancellationToken cancellationToken)
    {
        var page = await engine.ReadStreamAsync(new StreamRead(stream, revision, revision, ReadDirection.Forward, new PageLimit(1, 1)), cancellationToken).ConfigureAwait(false);
        return !page.Events.IsEmpty && page.Events.Span[0].Checkpoint <= upTo;
    }

    private async ValueTask<(Revision From, Revision To)> ResolveAsync(StreamId stream, StreamRange range, CancellationToken cancellationToken)
    {
        if (range is { AsOf: null, Last: null, IsRelativeToHead: false }) return (Max(range.From, new(1)), range.To);

        var head = (await engine.FindHeadAsync(stream, cancellationToken).ConfigureAwait(false))?.Revision ?? Revision.None;
        range = range.RelativeTo(head);
        var (from, to) = (Max(range.From, new(1)), new Revision(Math.Min(range.To.Value, head.Value)));
        if (range.AsOf is { } instant) to = await FindRevisionAsOfAsync(stream, instant, to, cancellationToken).ConfigureAwait(false);
        if (range.Last is { } count)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(count, nameof(range));
            from = new(Math.Max(from.Value, to.Value - count + 1));
        }

        return (from, to);
    }

    // Stamps never decrease along a stream, so the last revision at an instant is found by halving.
    private async ValueTask<Revision> FindRevisionAsOfAsync(StreamId stream, DateTimeOffset instant, Revision upTo, CancellationToken cancellationToken)
    {
        long low = 0, high = upTo.Value;
        while (low < high)
        {
            var middle = low + ((high - low + 1) / 2);
            var page = await engine.ReadStreamAsync(new StreamRead(stream, new Revision(middle), new Revision(middle), ReadDirection.Forward, new PageLimit(1, 1)), cancellationToken).ConfigureAwait(false);
            if (page.Events.IsEmpty) throw new ReadInterruptedException(stream, new Revision(middle));
            if (page.Events.Span[0].Commit.Stamp <= instant) low = middle;
            else high = middle - 1;
        }

        return new Revision(low);
    }

    private void RequireOrder(StorePage page, Checkpoint low, Checkpoint high, ReadDirection direction)
    {
        var previous = direction == ReadDirection.Forward ? low.Value : high.Value + 1;
        foreach (ref readonly var recorded in page.Events.Span)
        {
            var checkpoint = recorded.Checkpoint.Value;
            if (direction == ReadDirection.Forward ? checkpoint <= previous || checkpoint > high.Value : checkpoint >= previous || checkpoint <= low.Value)
                throw new StorageException($"The engine '{engine.Description.Name}' answered checkpoint {checkpoint} out of order, after {previous}. Verify the store.");
            previous = checkpoint;
        }
    }

    private Checkpoint Progress(Checkpoint next, bool moved) => moved
        ? next
        : throw new StorageException($"The engine '{engine.Description.Name}' answered a page that does not move on from checkpoint {next}. Verify the store.");

    private static Revision Max(Revision left, Revision right) => left > right ? left : right;

    private static Checkpoint Max(Checkpoint left, Checkpoint right) => left > right ? left : right;

    private static Checkpoint Min(Checkpoint left, Checkpoint right) => left < right ? left : right;
}
