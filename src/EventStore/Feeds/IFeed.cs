namespace EventStore.Feeds;

/// <summary>A place in a feed.</summary>
/// <param name="Checkpoint">Up to here the store was read.</param>
/// <param name="Revision">The revision reached in the stream or read stream that is fed; 0 where there is none.</param>
internal readonly record struct FeedPosition(long Checkpoint, long Revision);

/// <summary>An event with the position of a consumer that has handled it.</summary>
internal readonly record struct FeedEvent(CommittedEvent Committed, FeedPosition Position);

/// <summary>The next events of a feed.</summary>
/// <param name="Events">The events in order; possibly none although more follow.</param>
/// <param name="Position">The position of a consumer that has handled them.</param>
/// <param name="Lag">How many events followed the page when it was read.</param>
/// <param name="IsEnd">Whether no further event was there.</param>
internal sealed record FeedPage(ReadOnlyMemory<FeedEvent> Events, FeedPosition Position, long Lag, bool IsEnd);

/// <summary>
/// A source of events that is read from a position on: first the stored ones, then new ones. Has one reader, which reads page by page.
/// </summary>
internal interface IFeed
{
    /// <summary>The position after all stored events.</summary>
    ValueTask<FeedPosition> FindCurrentAsync(CancellationToken cancellationToken);

    /// <summary>Reads the next page.</summary>
    /// <param name="position">The position of the page before, or where to begin.</param>
    /// <param name="cancellationToken">Ends the read by throwing.</param>
    ValueTask<FeedPage> ReadAsync(FeedPosition position, CancellationToken cancellationToken);
}
