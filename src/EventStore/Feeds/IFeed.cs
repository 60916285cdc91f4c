namespace EventStore.Feeds;

/// <summary>A place in a feed: how far it was looked at in the store, and the revision in the stream or read stream that is fed; 0 where there is none.</summary>
internal readonly record struct FeedPosition(long Checkpoint, long Revision);

/// <summary>An event with the position of whoever has handled it.</summary>
internal readonly record struct FeedEvent(CommittedEvent Committed, FeedPosition Position);

/// <summary>The next events of a feed.</summary>
/// <param name="Events">In order; possibly none although more may follow.</param>
/// <param name="Position">The position of whoever has handled them.</param>
/// <param name="Lag">How many places lie behind the page when it was read.</param>
/// <param name="IsEnd">Whether nothing further was there.</param>
internal sealed record FeedPage(ReadOnlyMemory<FeedEvent> Events, FeedPosition Position, long Lag, bool IsEnd);

/// <summary>Something that is read from a position on, first what is stored and then what comes. Used by one reader, which asks for one page after the other.</summary>
internal interface IFeed
{
    /// <summary>The position behind all that is there.</summary>
    ValueTask<FeedPosition> FindCurrentAsync(CancellationToken cancellationToken);

    /// <summary>Reads on.</summary>
    /// <param name="position">The position of the page before, or where to begin.</param>
    /// <param name="cancellationToken">Ends the read by throwing.</param>
    ValueTask<FeedPage> ReadAsync(FeedPosition position, CancellationToken cancellationToken);
}
