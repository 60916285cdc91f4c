using System.Runtime.CompilerServices;
using EventStore.Diagnostics;

namespace EventStore.Pipeline;

/// <summary>
/// Reads pages from the engine while the store is open, and checks their order and completeness. Knows stored bytes only: nothing is
/// decoded.
/// </summary>
internal sealed class PageReader(IPersistenceEngine engine, StoreLifetime lifetime, Telemetry telemetry, TypeNames types)
{
    /// <summary>512 events keep a page of 72-byte entries off the large object heap; the bytes limit what a slow reader holds.</summary>
    public const int MaxPageEvents = 512;

    private const long MaxPageBytes = 4 << 20;
    private const int MaxPageHeads = 500;

    /// <summary>The limit of a page where the caller has no limit of its own.</summary>
    public static PageLimit FullPage { get; } = new(MaxPageEvents, MaxPageBytes);

    private static PageLimit SingleEvent { get; } = new(1, 1);

    /// <summary>Starts the activity of a read. Dispose it when the read is done.</summary>
    public TracedStep StartRead(string what) => telemetry.StartRead(what);

    /// <exception cref="ObjectDisposedException">The store is disposed.</exception>
    public void ThrowIfEnded() => lifetime.ThrowIfEnded();

    /// <summary>
    /// Reads a range of the store in pages. Empty pages are returned too: their position moves a reader of a rare filter on.
    /// </summary>
    /// <exception cref="PositionAheadException">The store was set back between two pages.</exception>
    public async IAsyncEnumerable<StorePage> ReadAllAsync(StoreRead range, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (low, high) = (range.After, range.UpTo);
        var forward = range.Direction == ReadDirection.Forward;
        var filter = types.Widen(range.Filter);
        Checkpoint? bound = null;
        while (low < high)
        {
            lifetime.ThrowIfEnded();
            var read = range with { Filter = filter, After = low, UpTo = high };
            var page = await engine.ReadAllAsync(read, cancellationToken).ConfigureAwait(false);
            if (bound is null) high = Min(high, (bound = page.Head).Value);
            if (page.Head < bound) throw new PositionAheadException("read", bound.Value, page.Head);
            RequireOrder(page, low, high, range.Direction);
            telemetry.Read(page.Events.Length);

            // The last page covers the rest of the range, also where its newest events were deleted.
            if (page.IsEnd)
            {
                yield return page with { Position = forward ? Max(low, high) : low };
                yield break;
            }

            yield return page;
            if (forward) low = RequireProgress(page.Position, page.Position > low);
            else high = RequireProgress(new Checkpoint(page.Position.Value - 1), page.Position <= high);
        }
    }

    /// <summary>Reads the events of a filter after one checkpoint and up to another, the oldest first.</summary>
    public IAsyncEnumerable<StorePage> ReadAllAsync(
        EventFilter filter, Checkpoint after, Checkpoint upTo, CancellationToken cancellationToken) =>
        ReadAllAsync(new StoreRead(filter, after, upTo, ReadDirection.Forward, FullPage), cancellationToken);

    /// <summary>Reads one page of the store after a checkpoint.</summary>
    public async ValueTask<StorePage> ReadPageAsync(EventFilter filter, Checkpoint after, CancellationToken cancellationToken)
    {
        lifetime.ThrowIfEnded();
        var read = new StoreRead(types.Widen(filter), after, Checkpoint.Max, ReadDirection.Forward, FullPage);
        var page = await engine.ReadAllAsync(read, cancellationToken).ConfigureAwait(false);
        RequireOrder(page, after, Checkpoint.Max, ReadDirection.Forward);
        telemetry.Read(page.Events.Length);
        if (page.IsEnd) return page with { Position = Max(after, page.Head) };
        RequireProgress(page.Position, page.Position > after);
        return page;
    }

    /// <summary>Reads one page of a stream.</summary>
    public async ValueTask<StreamPage> ReadStreamPageAsync(StreamRead read, CancellationToken cancellationToken)
    {
        lifetime.ThrowIfEnded();
        var page = await engine.ReadStreamAsync(read, cancellationToken).ConfigureAwait(false);
        telemetry.Read(page.Events.Length);
        return page;
    }

    /// <summary>
    /// Reads a range of a stream in pages, every revision of it in order. A range that begins in what was truncated begins after that. The
    /// first page may be empty; it shows the stream.
    /// </summary>
    /// <exception cref="ReadInterruptedException">The stream was deleted, or truncated beyond the reader, while it was read.</exception>
    public async IAsyncEnumerable<StreamPage> ReadStreamAsync(
        StreamId stream, Revision from, Revision to, ReadDirection direction, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (low, high) = (from, to);
        var forward = direction == ReadDirection.Forward;
        StreamState? first = null;
        while (low <= high)
        {
            lifetime.ThrowIfEnded();
            var page = await engine.ReadStreamAsync(
                new StreamRead(stream, low, high, direction, FullPage), cancellationToken).ConfigureAwait(false);
            telemetry.Read(page.Events.Length);
            if (first is null)
            {
                first = page.State;
                (low, high) = (Max(low, page.State.FirstRevision), Min(high, page.State.Revision));
                if (low > high)
                {
                    yield return page;
                    yield break;
                }
            }

            // The next revision is known before it is read. Any other one means that the stream is not what it was.
            var expected = forward ? low : high;
            if (page.State.Incarnation != first.Value.Incarnation || page.Events.IsEmpty)
                throw new ReadInterruptedException(stream, expected);
            foreach (var recorded in page.Events.Span)
            {
                if (recorded.Revision != expected) throw new ReadInterruptedException(stream, expected);
                expected = new(expected.Value + (forward ? 1 : -1));
            }

            yield return page;
            if (forward) low = expected;
            else high = expected;
        }
    }

    /// <summary>Reads one event by its revision; null where it is not there.</summary>
    public async ValueTask<RecordedEvent?> FindAsync(StreamId stream, Revision revision, CancellationToken cancellationToken)
    {
        var read = new StreamRead(stream, revision, revision, ReadDirection.Forward, SingleEvent);
        var page = await engine.ReadStreamAsync(read, cancellationToken).ConfigureAwait(false);
        return page.Events.IsEmpty ? null : page.Events.Span[0];
    }

    /// <summary>Reads one event by its checkpoint; null where it was deleted.</summary>
    public async ValueTask<RecordedEvent?> FindAsync(Checkpoint checkpoint, CancellationToken cancellationToken)
    {
        lifetime.ThrowIfEnded();
        var read = new StoreRead(
            EventFilter.Everything, new Checkpoint(checkpoint.Value - 1), checkpoint, ReadDirection.Forward, SingleEvent);
        var page = await engine.ReadAllAsync(read, cancellationToken).ConfigureAwait(false);
        return page.Events.IsEmpty ? null : page.Events.Span[0];
    }

    /// <summary>
    /// Whether a revision still holds the same event. A higher checkpoint belongs to a stream that was created again after a deletion.
    /// </summary>
    public async ValueTask<bool> IsThereAsync(StreamId stream, Revision revision, Checkpoint upTo, CancellationToken cancellationToken) =>
        await FindAsync(stream, revision, cancellationToken).ConfigureAwait(false) is { } found && found.Checkpoint <= upTo;

    /// <summary>The commit of an id; null where the stream has none.</summary>
    public ValueTask<CommitRecord?> FindCommitAsync(StreamId stream, Guid commitId, CancellationToken cancellationToken)
    {
        lifetime.ThrowIfEnded();
        return engine.FindCommitAsync(stream, commitId, cancellationToken);
    }

    /// <summary>Reads the events of a stored commit, except those that were truncated.</summary>
    public async ValueTask<List<RecordedEvent>> ReadCommitAsync(CommitRecord commit, CancellationToken cancellationToken)
    {
        var events = new List<RecordedEvent>(commit.EventCount);
        var pages = ReadStreamAsync(commit.Stream, commit.FirstRevision, commit.LastRevision, ReadDirection.Forward, cancellationToken);
        await foreach (var page in pages.ConfigureAwait(false)) events.AddRange(page.Events.Span);
        return events;
    }

    /// <summary>The newest checkpoint of the store.</summary>
    public async ValueTask<Checkpoint> FindHeadAsync(CancellationToken cancellationToken)
    {
        lifetime.ThrowIfEnded();
        var read = new StoreRead(EventFilter.Everything, Checkpoint.Origin, Checkpoint.Max, ReadDirection.Backward, SingleEvent);
        return (await engine.ReadAllAsync(read, cancellationToken).ConfigureAwait(false)).Head;
    }

    /// <summary>The head of a stream; null where there is no such stream.</summary>
    public ValueTask<StreamHead?> FindHeadAsync(StreamId stream, CancellationToken cancellationToken)
    {
        lifetime.ThrowIfEnded();
        return engine.FindHeadAsync(stream, cancellationToken);
    }

    /// <summary>The heads of the streams of a category whose ids begin with a text, in order of their names.</summary>
    public async IAsyncEnumerable<StreamHead> ListHeadsAsync(
        string bucket, string category, string idPrefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // Listings begin after a name. The first name of the category is looked up by itself: U+0001 is the lowest id there is.
        var first = new StreamId(bucket, category, idPrefix.Length == 0 ? "\u0001" : idPrefix);
        if (await FindHeadAsync(first, cancellationToken).ConfigureAwait(false) is { } found) yield return found;
        await foreach (var head in ListHeadsAsync(bucket, 0, first, cancellationToken).ConfigureAwait(false))
        {
            if (head.Stream.Category != category || !head.Stream.Id.StartsWith(idPrefix, StringComparison.Ordinal)) yield break;
            yield return head;
        }
    }

    /// <summary>The heads of streams in order of their names, those after a name where one is given.</summary>
    public async IAsyncEnumerable<StreamHead> ListHeadsAsync(
        string? bucket, long minEventsSinceSnapshot, StreamId? after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        IReadOnlyList<StreamHead> page;
        do
        {
            lifetime.ThrowIfEnded();
            var query = new HeadQuery(bucket, minEventsSinceSnapshot, after, MaxPageHeads);
            page = await engine.ListHeadsAsync(query, cancellationToken).ConfigureAwait(false);
            foreach (var head in page)
            {
                lifetime.ThrowIfEnded();
                yield return head;
                cancellationToken.ThrowIfCancellationRequested();
            }

            if (page.Count > 0) after = page[^1].Stream;
        }
        while (page.Count == MaxPageHeads);
    }

    /// <summary>Returns when there may be commits after a checkpoint, at the latest after some time.</summary>
    public ValueTask WaitForCommitsAsync(Checkpoint after, TimeSpan atMost, CancellationToken cancellationToken) =>
        engine.WaitForCommitsAsync(after, atMost, cancellationToken);

    private void RequireOrder(StorePage page, Checkpoint low, Checkpoint high, ReadDirection direction)
    {
        var forward = direction == ReadDirection.Forward;
        var previous = forward ? low.Value : high.Value + 1;
        foreach (var recorded in page.Events.Span)
        {
            var checkpoint = recorded.Checkpoint.Value;
            if (forward ? checkpoint <= previous || checkpoint > high.Value : checkpoint >= previous || checkpoint <= low.Value)
                throw new StorageException(
                    $"The engine '{engine.Description.Name}' returned checkpoint {checkpoint} out of order, after {previous}. "
                    + "Verify the store.");
            previous = checkpoint;
        }
    }

    private Checkpoint RequireProgress(Checkpoint next, bool moved) => moved
        ? next
        : throw new StorageException(
            $"The engine '{engine.Description.Name}' returned a page that ends where it began, at checkpoint {next}. Verify the store.");

    private static Revision Max(Revision left, Revision right) => left > right ? left : right;

    private static Revision Min(Revision left, Revision right) => left < right ? left : right;

    private static Checkpoint Max(Checkpoint left, Checkpoint right) => left > right ? left : right;

    private static Checkpoint Min(Checkpoint left, Checkpoint right) => left < right ? left : right;
}
