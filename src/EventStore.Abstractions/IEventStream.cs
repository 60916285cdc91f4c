namespace EventStore;

/// <summary>A stream object: the events read so far, and those to be committed. Not thread-safe.</summary>
public interface IEventStream
{
    /// <summary>The stream.</summary>
    StreamId Stream { get; }

    /// <summary>The revision up to which the stream was read, which the next commit expects; 0 for a new stream.</summary>
    Revision Revision { get; }

    /// <summary>
    /// The first revision that exists: 1, unless the events before it were truncated. Do not fold a truncated stream without a snapshot.
    /// </summary>
    Revision FirstRevision { get; }

    /// <summary>
    /// The checkpoint of the stream's first event, which distinguishes it from another stream of the same name; the origin for a new
    /// stream. The next commit expects it.
    /// </summary>
    Checkpoint Incarnation { get; }

    /// <summary>The number of the newest commit read; 0 for none.</summary>
    CommitSequence CommitSequence { get; }

    /// <summary>
    /// The events that were read or committed here, in order. If the stream was opened from a snapshot or at its head, those after it.
    /// </summary>
    IReadOnlyList<CommittedEvent> CommittedEvents { get; }

    /// <summary>The events added since the last commit, in order.</summary>
    IReadOnlyList<EventMessage> UncommittedEvents { get; }

    /// <summary>Headers for the next commit.</summary>
    IDictionary<string, string> UncommittedHeaders { get; }

    /// <summary>Adds an event. It is serialized now, so that later changes of the object have no effect.</summary>
    /// <exception cref="TypeNotRegisteredException">The type of the event has no stable name.</exception>
    /// <exception cref="EventSerializationException">The event cannot be serialized.</exception>
    void Add(EventMessage message);

    /// <summary>Stores the added events as one commit. If it throws, the added events are kept.</summary>
    /// <param name="commitId">The commit's id; null for a new one. Repeat an id to repeat a commit without storing twice.</param>
    /// <param name="cancellationToken">Cancelled before the commit is sent, nothing is stored; after that, the outcome is unknown.</param>
    /// <exception cref="InvalidOperationException">Nothing was added.</exception>
    /// <exception cref="ConcurrencyException">The stream was changed by another writer; refresh, decide and commit again.</exception>
    /// <exception cref="CommitIdReusedException">The id is already used by a commit with other events.</exception>
    /// <exception cref="CommitRefusedException">A hook refused the commit.</exception>
    /// <exception cref="CommitOutcomeUnknownException">The outcome is unknown; repeat the commit with the same id.</exception>
    /// <exception cref="TooLargeException">The commit exceeds the engine's limits.</exception>
    ValueTask<CommitResult> CommitChangesAsync(Guid? commitId = null, CancellationToken cancellationToken = default);

    /// <summary>Removes the added events and headers.</summary>
    void ClearChanges();

    /// <summary>Reads the events that other writers committed since. The added events are kept.</summary>
    ValueTask RefreshAsync(CancellationToken cancellationToken = default);
}
