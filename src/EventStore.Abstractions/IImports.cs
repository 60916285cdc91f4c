namespace EventStore;

/// <summary>How an import stores commits.</summary>
public enum ImportMode
{
    /// <summary>Commits are appended under new checkpoints, beside other writers.</summary>
    Merge,

    /// <summary>
    /// Commits keep their checkpoints. The store is empty at first. The import holds it until it is complete: all other commits throw
    /// <see cref="StorageHeldException"/>, also after a restart.
    /// </summary>
    Mirror,
}

/// <summary>Brings commits of other stores into this one. They keep stamps, ids, headers, tags and their order.</summary>
public interface IImports
{
    /// <summary>
    /// Begins an import, or continues one that was broken off. Give it the source's commits after <see cref="IImport.Position"/>. Commits
    /// that are stored already are recognized by their ids. One process at a time runs an import.
    /// </summary>
    /// <param name="name">The name of the import: 1 to 256 bytes in UTF-8. It also names the holder of the store.</param>
    /// <param name="mode">How commits are stored; the same whenever the import is continued.</param>
    /// <param name="options">Further choices; null for the defaults.</param>
    /// <param name="cancellationToken">Ends the opening by throwing.</param>
    /// <exception cref="ImportException">
    /// The import has another mode, is a complete mirror, or is a new mirror and the store has streams.
    /// </exception>
    /// <exception cref="StorageHeldException">Another import holds the store.</exception>
    ValueTask<IImport> OpenAsync(
        string name, ImportMode mode, ImportOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Finds the recorded progress of an import; null where none of this name was begun.</summary>
    ValueTask<ImportProgress?> FindAsync(string name, CancellationToken cancellationToken = default);
}

/// <summary>
/// An import that runs. Commits are gathered, and sent in batches of at most 8 MiB. Disposing it before it is complete breaks it off: what
/// was not sent is left out, and a mirror keeps its hold. Used by one caller at a time. A member that throws
/// <see cref="StorageUnavailableException"/> or <see cref="CommitOutcomeUnknownException"/> may be called again. After another failure,
/// open the import again.
/// </summary>
public interface IImport : IAsyncDisposable
{
    /// <summary>Its name.</summary>
    string Name { get; }

    /// <summary>How it stores commits.</summary>
    ImportMode Mode { get; }

    /// <summary>The checkpoint of the source up to which everything is stored. Begin after it.</summary>
    Checkpoint Position { get; }

    /// <summary>
    /// Announces a stream whose first events the source no longer has. A mirror fills their places with events that it truncates. Call it
    /// before the first commit, for each such stream, also when the import is continued. A merge ignores it.
    /// </summary>
    /// <exception cref="ImportException">The import is beyond the beginning of the stream.</exception>
    ValueTask ExpectTruncatedAsync(TruncatedStream stream, CancellationToken cancellationToken = default);

    /// <summary>Adds a commit. It is stored at the latest when the import is flushed or completed.</summary>
    /// <param name="commit">The commit; copied or encoded before this returns.</param>
    /// <param name="cancellationToken">Ends the call by throwing; the commit is then not added.</param>
    /// <exception cref="ArgumentException">It has no event or place, or comes before the one added last.</exception>
    /// <exception cref="StampAheadException">Its stamp is more than five minutes ahead of the clock. It was not added.</exception>
    /// <exception cref="TooLargeException">It exceeds the engine's limits. It was not added.</exception>
    /// <exception cref="CommitIdReusedException">The stream holds another commit of this id.</exception>
    /// <exception cref="StreamSealedException">The stream is sealed.</exception>
    /// <exception cref="ImportException">A mirror cannot give it its checkpoint and revision, or its headers cannot be read.</exception>
    ValueTask AddAsync(ImportCommit commit, CancellationToken cancellationToken = default);

    /// <summary>Adds commits of different streams that are stored together, or not at all. They have one commit id.</summary>
    /// <param name="unit">At least one commit; in a mirror with consecutive checkpoints.</param>
    /// <param name="cancellationToken">Ends the call by throwing; the unit is then not added.</param>
    /// <exception cref="ArgumentException">They are not as described.</exception>
    ValueTask AddAsync(IReadOnlyList<ImportCommit> unit, CancellationToken cancellationToken = default);

    /// <summary>
    /// Declares that the source has no further commits up to a checkpoint, its head for example. A mirror skips to it.
    /// </summary>
    ValueTask AdvanceAsync(Checkpoint upTo, CancellationToken cancellationToken = default);

    /// <summary>Saves a snapshot. What was added before is stored first.</summary>
    /// <exception cref="SnapshotRefusedException">It is above the stream's head, or below its first revision.</exception>
    ValueTask SaveSnapshotAsync(ImportSnapshot snapshot, CancellationToken cancellationToken = default);

    /// <summary>Removes the events of a stream below a revision. What was added before is stored first.</summary>
    ValueTask TruncateStreamAsync(StreamId stream, Revision before, CancellationToken cancellationToken = default);

    /// <summary>Seals a stream. What was added before is stored first.</summary>
    /// <exception cref="ConcurrencyException">There is no such stream.</exception>
    ValueTask SealStreamAsync(StreamId stream, CancellationToken cancellationToken = default);

    /// <summary>Stores what was added, and records the progress.</summary>
    ValueTask FlushAsync(CancellationToken cancellationToken = default);

    /// <summary>Stores what was added, ends the hold, and records that the import is complete.</summary>
    /// <exception cref="ImportException">Events of an announced stream have no place yet: advance to the head of the source.</exception>
    ValueTask<ImportReport> CompleteAsync(CancellationToken cancellationToken = default);
}
