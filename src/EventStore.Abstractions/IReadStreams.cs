namespace EventStore;

/// <summary>
/// Named, persisted sequences of links to events, chosen by a condition. A read stream copies no event and owns none; whatever is stored when
/// a read begins can be read by it.
/// </summary>
public interface IReadStreams
{
    /// <summary>
    /// Creates a read stream and fills it with what is stored. One that exists under the name with the same condition is left as it is.
    /// </summary>
    /// <param name="name">Its name: not empty, at most 900 bytes in UTF-8.</param>
    /// <param name="condition">Which events it links to; stored as data, signed with the key of the wireup.</param>
    /// <param name="cancellationToken">Ends the filling, which the next read goes on with.</param>
    /// <exception cref="ReadStreamException">One of another condition exists under the name.</exception>
    ValueTask CreateAsync(string name, EventPredicate condition, CancellationToken cancellationToken = default);

    /// <summary>Reads a read stream by its own revisions, bounded by what is stored when the read begins. Links to events deleted since are passed over.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="from">The first revision, included.</param>
    /// <param name="to">The last revision, included; null for the head.</param>
    /// <param name="direction">Oldest or newest first.</param>
    /// <param name="decoding">When bodies are deserialized.</param>
    /// <param name="cancellationToken">Ends the read by throwing.</param>
    /// <exception cref="ReadStreamException">There is none, its stored definition was changed or signed with another key, or it was rebuilt or dropped while it was read.</exception>
    IAsyncEnumerable<LinkedEvent> ReadAsync(
        string name,
        Revision? from = null,
        Revision? to = null,
        ReadDirection direction = ReadDirection.Forward,
        EventDecoding decoding = EventDecoding.Eager,
        CancellationToken cancellationToken = default);

    /// <summary>Tells of a read stream; null where there is none.</summary>
    /// <exception cref="ReadStreamException">Its stored definition was changed or signed with another key.</exception>
    ValueTask<ReadStreamInfo?> FindAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Lists all read streams by name.</summary>
    IAsyncEnumerable<ReadStreamInfo> ListAsync(CancellationToken cancellationToken = default);

    /// <summary>Fills a read stream anew from the beginning, which closes the holes of deleted events; readers see the old links until it is done. Consumers go on behind what they handled.</summary>
    /// <exception cref="ReadStreamException">There is none, or its stored definition was changed or signed with another key.</exception>
    ValueTask RebuildAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Drops a read stream; its events stay where they are. Answers whether there was one.</summary>
    ValueTask<bool> DropAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Reads several streams as one, in checkpoint order, bounded by what is stored when the read begins. Nothing is persisted.</summary>
    IAsyncEnumerable<CommittedEvent> ReadJoinedAsync(
        IReadOnlyList<StreamId> streams, EventDecoding decoding = EventDecoding.Eager, CancellationToken cancellationToken = default);
}

/// <summary>A link of a read stream with the event it names.</summary>
/// <param name="Revision">The link's number in the read stream: 1, 2, …</param>
/// <param name="Event">The event, with its own stream, revision and checkpoint.</param>
public readonly record struct LinkedEvent(Revision Revision, CommittedEvent Event);

/// <summary>What is known of a read stream.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Condition">Which events it links to.</param>
/// <param name="Revision">How many links are written.</param>
/// <param name="FilledTo">The checkpoint up to which links are written. A read goes on from there by itself.</param>
public sealed record ReadStreamInfo(string Name, EventPredicate Condition, Revision Revision, Checkpoint FilledTo);
