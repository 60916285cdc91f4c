namespace EventStore;

/// <summary>One stream at work: what was read of it, and what is about to be committed. Not thread-safe; a unit of work owns it.</summary>
public interface IEventStream
{
    /// <summary>The stream.</summary>
    StreamId Stream { get; }

    /// <summary>The revision up to which it is known here, which the next commit expects; 0 for a new one.</summary>
    Revision Revision { get; }

    /// <summary>The number of the newest commit known here; 0 for none.</summary>
    CommitSequence CommitSequence { get; }

    /// <summary>The events that were read or committed here, in order. Opened from a snapshot or at its head, only those after it.</summary>
    IReadOnlyList<CommittedEvent> CommittedEvents { get; }

    /// <summary>The events added since the last commit, in order.</summary>
    IReadOnlyList<EventMessage> UncommittedEvents { get; }

    /// <summary>Headers for the next commit.</summary>
    IDictionary<string, string> UncommittedHeaders { get; }

    /// <summary>Adds an event, which is serialized now: changing it later changes nothing stored.</summary>
    /// <exception cref="TypeNotRegisteredException">Its type has no stable name.</exception>
    /// <exception cref="EventSerializationException">It cannot be serialized.</exception>
    void Add(EventMessage message);

    /// <summary>Stores the added events as one commit. When it throws, they are all still there.</summary>
    /// <param name="commitId">The commit's id; null for a new one. Repeat an id to repeat a commit without storing twice.</param>
    /// <param name="cancellationToken">Before sending, it leaves nothing stored; after it, the outcome is unknown.</param>
    /// <exception cref="InvalidOperationException">Nothing was added.</exception>
    /// <exception cref="ConcurrencyException">The stream moved on; refresh, decide and commit again.</exception>
    /// <exception cref="CommitIdReusedException">The id stands for other events.</exception>
    /// <exception cref="CommitRefusedException">A hook refused.</exception>
    /// <exception cref="CommitOutcomeUnknownException">Repeat with the same id.</exception>
    /// <exception cref="TooLargeException">The commit exceeds the engine's limits.</exception>
    ValueTask<CommitResult> CommitChangesAsync(Guid? commitId = null, CancellationToken cancellationToken = default);

    /// <summary>Forgets the added events and headers.</summary>
    void ClearChanges();

    /// <summary>Reads what was committed since by others; what was added here stays.</summary>
    ValueTask RefreshAsync(CancellationToken cancellationToken = default);
}
