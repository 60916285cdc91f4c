using System.Text.Json.Serialization;

namespace EventStore.Feeds;

/// <summary>A place in a feed.</summary>
/// <param name="Checkpoint">Up to here the store was read. Decides where a feed continues; never after the head of the store.</param>
/// <param name="Revision">
/// The revision reached in the stream or read stream that is fed; 0 where it is not known. Only saves a search by the checkpoint.
/// </param>
/// <param name="Awaited">
/// The revision after which delivery begins, while the stream or read stream has none after it; 0 as soon as it has.
/// </param>
internal readonly record struct FeedPosition(long Checkpoint, long Revision, long Awaited = 0)
{
    /// <summary>Whether a position that was read is one.</summary>
    [JsonIgnore]
    public bool IsPossible => Checkpoint >= 0 && Revision >= 0 && Awaited >= 0;
}

/// <summary>An event with the position of a consumer that has handled it.</summary>
internal readonly record struct FeedEvent(CommittedEvent Committed, FeedPosition Position);

/// <summary>The next events of a feed.</summary>
/// <param name="Events">The events in order; possibly none although more follow.</param>
/// <param name="Position">The position of a consumer that has handled them.</param>
/// <param name="Lag">How many events followed the page when it was read.</param>
/// <param name="IsEnd">Whether no further event was there.</param>
/// <param name="Missed">How many events before these were truncated before they were read.</param>
internal sealed record FeedPage(FeedEvents Events, FeedPosition Position, long Lag, bool IsEnd, long Missed = 0);

/// <summary>What is fed to whom.</summary>
/// <param name="Reader">The name of the reader, for messages.</param>
/// <param name="Source">What it reads.</param>
/// <param name="Origin">
/// Where it began when it was started for the first time. Its checkpoint may be after the head: nothing up to it is ever delivered.
/// </param>
internal sealed record FeedRequest(string Reader, ConsumerSource Source, FeedPosition Origin)
{
    /// <summary>Whether an event is not delivered, because it is not after the origin.</summary>
    public bool IsBeforeOrigin(long checkpoint) => checkpoint <= Origin.Checkpoint;

    /// <summary>The events of a page that are after the origin.</summary>
    public ReadOnlyMemory<RecordedEvent> AfterOrigin(ReadOnlyMemory<RecordedEvent> page)
    {
        var before = 0;
        while (before < page.Length && IsBeforeOrigin(page.Span[before].Checkpoint.Value)) before++;
        return page[before..];
    }

    /// <summary>Checks that the store still holds everything up to a position that was read.</summary>
    /// <exception cref="PositionAheadException">The store was set back, or is another one.</exception>
    public void RequireReached(FeedPosition position, Checkpoint head)
    {
        if (position.Checkpoint > head.Value) throw new PositionAheadException(Reader, new Checkpoint(position.Checkpoint), head);
    }
}

/// <summary>
/// A source of events that is read from a position on: first the stored ones, then new ones. Has one reader, which reads page by page.
/// </summary>
internal interface IFeed
{
    /// <summary>Where a reader that begins now is to begin.</summary>
    ValueTask<FeedPosition> FindOriginAsync(ConsumerStart start, CancellationToken cancellationToken);

    /// <summary>How much lies after a position now. For a feed that does not read.</summary>
    ValueTask<long> FindLagAsync(FeedPosition position, CancellationToken cancellationToken);

    /// <summary>Reads the next page.</summary>
    /// <param name="position">The position of the page before, or where to begin.</param>
    /// <param name="cancellationToken">Ends the read by throwing.</param>
    /// <exception cref="PositionAheadException">The store ends before the position.</exception>
    ValueTask<FeedPage> ReadAsync(FeedPosition position, CancellationToken cancellationToken);
}
