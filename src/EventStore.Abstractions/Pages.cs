namespace EventStore.Engines;

/// <summary>How much an engine may return at once. A page holds at least one event if there is one, of any size.</summary>
/// <param name="MaxEvents">The highest number of events; at least 1.</param>
/// <param name="MaxBytes">Bytes of bodies and headers after which the page ends with the event that reached them.</param>
public readonly record struct PageLimit(int MaxEvents, long MaxBytes);

/// <summary>A request for a page of one stream.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="From">The lowest revision, included; 1 or higher.</param>
/// <param name="To">The highest revision, included.</param>
/// <param name="Direction">From which end of the range the page is taken, and its order.</param>
/// <param name="Limit">How much is returned at once.</param>
public readonly record struct StreamRead(StreamId Stream, Revision From, Revision To, ReadDirection Direction, PageLimit Limit);

/// <summary>A request for a page of the whole store.</summary>
/// <param name="Filter">Selects the events.</param>
/// <param name="After">The lower end, not included.</param>
/// <param name="UpTo">The upper end, included.</param>
/// <param name="Direction">From which end the page is taken, and its order.</param>
/// <param name="Limit">How much is returned at once.</param>
public readonly record struct StoreRead(EventFilter Filter, Checkpoint After, Checkpoint UpTo, ReadDirection Direction, PageLimit Limit);

/// <summary>Collects the events of a page in the order they are returned, for engines. Used by one thread.</summary>
/// <param name="limit">The limit of the request.</param>
/// <param name="expectedEvents">The number of events, if it is known; more may be added.</param>
public sealed class PageBuilder(PageLimit limit, int expectedEvents = 0)
{
    private RecordedEvent[] events = expectedEvents > 0 ? new RecordedEvent[Math.Min(expectedEvents, limit.MaxEvents)] : [];
    private long bytes;

    /// <summary>The number of events added.</summary>
    public int Count { get; private set; }

    /// <summary>Whether the limit is reached, and no further event is added.</summary>
    public bool IsFull => Count > 0 && (Count >= limit.MaxEvents || bytes >= limit.MaxBytes);

    /// <summary>The events added so far, without a copy. Do not add events afterwards.</summary>
    public ReadOnlyMemory<RecordedEvent> Events => events.AsMemory(0, Count);

    /// <summary>Adds an event; the first one may have any size. Returns false, and does not add it, if the page is full.</summary>
    public bool TryAdd(RecordedEvent recorded)
    {
        ArgumentNullException.ThrowIfNull(recorded);
        if (IsFull) return false;
        if (Count == events.Length) Array.Resize(ref events, Math.Clamp(Count * 2, 16, Math.Max(16, limit.MaxEvents)));
        bytes += recorded.Record.SizeBytes;
        events[Count++] = recorded;
        return true;
    }
}

/// <summary>A page of one stream.</summary>
/// <param name="Events">The next events of the range, in the order of the request.</param>
/// <param name="State">The stream when the page was read.</param>
/// <param name="IsEnd">Whether the range had no further events then.</param>
public sealed record StreamPage(ReadOnlyMemory<RecordedEvent> Events, StreamState State, bool IsEnd);

/// <summary>A page of the whole store.</summary>
/// <param name="Events">The next matching events of the range, in the order of the request; possibly none although more follow.</param>
/// <param name="Position">
/// How far the page was examined. Forward, it is the highest checkpoint, which is the next page's <c>After</c>. Backward, it is the lowest
/// one; the next page is up to the one before it. Advances with every page, even where nothing matches. </param>
/// <param name="Head">The highest checkpoint ever visible in the store when the page was read; 0 for none.</param>
/// <param name="IsEnd">Whether the range had no further events then.</param>
public sealed record StorePage(ReadOnlyMemory<RecordedEvent> Events, Checkpoint Position, Checkpoint Head, bool IsEnd);

/// <summary>Selects the heads to list.</summary>
/// <param name="Bucket">Only this bucket; null for all.</param>
/// <param name="MinEventsSinceSnapshot">Only streams with at least this many events since their newest snapshot; 0 for all.</param>
/// <param name="After">Only streams after this one in the order of <see cref="StreamId.CompareTo"/>; null from the first.</param>
/// <param name="Limit">The highest number of heads; at least 1.</param>
/// <exception cref="InvalidNameException">The bucket is too long or ill-formed.</exception>
public sealed record HeadQuery(string? Bucket, long MinEventsSinceSnapshot, StreamId? After, int Limit)
{
    private readonly string? bucket = Bucket is null ? null : StreamId.RequireBucket(Bucket);

    /// <summary>Only this bucket; null for all.</summary>
    public string? Bucket
    {
        get => bucket;
        init => bucket = value is null ? null : StreamId.RequireBucket(value);
    }
}
