namespace EventStore;

/// <summary>
/// Named, persisted sequences of links to events, selected by a condition. A read stream copies no events. A read includes all events that
/// are stored when it begins.
/// </summary>
public interface IReadStreams
{
    /// <summary>
    /// Creates a read stream and fills it from the stored events. A read stream of this name with the same condition is left unchanged.
    /// </summary>
    /// <param name="name">Its name: not empty, at most 900 bytes in UTF-8.</param>
    /// <param name="condition">The condition on the events that it links to; stored as data, signed with the key of the wireup.</param>
    /// <param name="cancellationToken">Ends the filling, which the next read continues.</param>
    /// <exception cref="ReadStreamException">A read stream of this name has another condition.</exception>
    ValueTask CreateAsync(string name, EventPredicate condition, CancellationToken cancellationToken = default);

    /// <summary>
    /// Reads a read stream by its own revisions, up to what is stored when the read begins. Links to deleted events are skipped.
    /// </summary>
    /// <param name="name">Its name.</param>
    /// <param name="from">The first revision, included.</param>
    /// <param name="to">The last revision, included; null for the head.</param>
    /// <param name="direction">Oldest or newest first.</param>
    /// <param name="decoding">When bodies are deserialized.</param>
    /// <param name="cancellationToken">Ends the read by throwing.</param>
    /// <exception cref="ReadStreamException">
    /// It does not exist, its stored definition was changed or signed with another key, or it was rebuilt or dropped during the read.
    /// </exception>
    IAsyncEnumerable<LinkedEvent> ReadAsync(
        string name,
        Revision? from = null,
        Revision? to = null,
        ReadDirection direction = ReadDirection.Forward,
        EventDecoding decoding = EventDecoding.Eager,
        CancellationToken cancellationToken = default);

    /// <summary>Finds a read stream; null for none.</summary>
    /// <exception cref="ReadStreamException">Its stored definition was changed or signed with another key.</exception>
    ValueTask<ReadStreamInfo?> FindAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>
    /// Lists all read streams by name. One whose documents were changed is listed with its <see cref="ReadStreamInfo.Fault"/>.
    /// </summary>
    IAsyncEnumerable<ReadStreamInfo> ListAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Fills a read stream again from the beginning, which removes the gaps of deleted events. Readers see the old links until it is done.
    /// Consumers continue after what they handled.
    /// </summary>
    /// <exception cref="ReadStreamException">
    /// It does not exist, or its stored definition was changed or signed with another key.
    /// </exception>
    ValueTask RebuildAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Drops a read stream, without its events. Returns whether it existed.</summary>
    ValueTask<bool> DropAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>
    /// Reads several streams as one, in checkpoint order, up to what is stored when the read begins. Nothing is persisted.
    /// </summary>
    IAsyncEnumerable<CommittedEvent> ReadJoinedAsync(
        IReadOnlyList<StreamId> streams, EventDecoding decoding = EventDecoding.Eager, CancellationToken cancellationToken = default);
}

/// <summary>A link of a read stream, with its event.</summary>
/// <param name="Revision">The link's number in the read stream: 1, 2, …</param>
/// <param name="Event">The event, with its own stream, revision and checkpoint.</param>
public readonly record struct LinkedEvent(Revision Revision, CommittedEvent Event);

/// <summary>Describes a read stream.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Condition">The condition on the events that it links to; null where it cannot be verified.</param>
/// <param name="Revision">How many links are written.</param>
/// <param name="FilledTo">The checkpoint up to which links are written. The next read continues there.</param>
public sealed record ReadStreamInfo(string Name, EventPredicate? Condition, Revision Revision, Checkpoint FilledTo)
{
    /// <summary>Why the read stream cannot be read, and what to do; null where it can.</summary>
    public string? Fault { get; init; }
}
