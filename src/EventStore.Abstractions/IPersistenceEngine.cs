namespace EventStore.Engines;

/// <summary>
/// What a backend implements. It keeps four kinds of thing and nothing else: commits, heads, snapshots and named documents.
/// The promises stand beside each member by their number in docs/guarantees.md; the conformance kit proves them.
/// </summary>
/// <remarks>
/// Every member may be called from many threads at once, throws <see cref="ObjectDisposedException"/> after dispose (G48), and throws
/// <see cref="OperationCanceledException"/> for a cancelled token only if nothing was written (G12). An engine copies what it keeps:
/// memory it was handed may change after the call (G10). Errors of a driver never come through as they are: an engine throws
/// <see cref="StorageUnavailableException"/> where nothing was carried out and time may help, <see cref="BatchOutcomeUnknownException"/> where it
/// wrote and cannot tell whether it did (whoever wrote a document or snapshot then reads again), and <see cref="StorageException"/> for the rest.
/// </remarks>
public interface IPersistenceEngine : IAsyncDisposable
{
    /// <summary>What this engine is and promises; complete once initialized (G43).</summary>
    EngineDescription Description { get; }

    /// <summary>
    /// Opens the storage: checks what it finds and, where <see cref="EngineContext.MayCreateStorage"/> says so, makes what is missing. Called before
    /// any other member. May run twice, and in several processes at once; refuses what it does not know (G47).
    /// </summary>
    /// <exception cref="StorageException">What was found is missing, unknown or damaged.</exception>
    ValueTask InitializeAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Stores attempts, independent of one another, in the order given, and answers an outcome for each at its index.
    /// An attempt is whole or absent (G3), gets consecutive revisions and checkpoints (G4, G13) that become visible in that order (G14),
    /// and is decided against the attempts before it (G5, G6). A commit id known in the stream answers duplicate whatever is expected (G7).
    /// The engine assigns the stamp (G11). On return every read reflects the batch (G9).
    /// </summary>
    /// <param name="attempts">At least one.</param>
    /// <param name="cancellationToken">Honoured before anything is sent.</param>
    /// <exception cref="TooLargeException">An attempt exceeds the limits; nothing of the batch was stored (G8).</exception>
    /// <exception cref="StorageUnavailableException">Nothing of the batch was stored.</exception>
    /// <exception cref="BatchOutcomeUnknownException">Some or all of it may be stored (G12).</exception>
    ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default);

    /// <summary>Stores one attempt exactly as a batch of one. An engine has a way of its own for it only where that spares work.</summary>
    async ValueTask<CommitOutcome> CommitAsync(CommitAttempt attempt, CancellationToken cancellationToken = default) =>
        (await CommitAsync([attempt], cancellationToken).ConfigureAwait(false))[0];

    /// <summary>Reads a page of one stream, by key: the range's next events and the head (G15–G18). Costs what the page holds (G20).</summary>
    ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default);

    /// <summary>Reads a page of the store in checkpoint order, filtered (G14–G19). Moves on even where nothing matches (G19).</summary>
    ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default);

    /// <summary>Finds a stream's head without reading events (G20); null for no stream.</summary>
    ValueTask<StreamHead?> FindHeadAsync(StreamId stream, CancellationToken cancellationToken = default);

    /// <summary>Lists heads in the order of <see cref="StreamId.CompareTo"/>, paged by key; exact at once (G24).</summary>
    ValueTask<IReadOnlyList<StreamHead>> ListHeadsAsync(HeadQuery query, CancellationToken cancellationToken = default);

    /// <summary>Stores a snapshot; one of the same revision and schema version is replaced (G21). Heads show the newest (G22).</summary>
    /// <exception cref="SnapshotRefusedException">It is above the stream's head (G22).</exception>
    /// <exception cref="TooLargeException">It exceeds the limits.</exception>
    ValueTask SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken = default);

    /// <summary>Finds the newest snapshot at or below a revision, of the highest schema version there (G21); null for none.</summary>
    ValueTask<SnapshotRecord?> FindSnapshotAsync(StreamId stream, Revision atMost, CancellationToken cancellationToken = default);

    /// <summary>Removes a stream's snapshots but the newest few (G23); 0 removes all. The head's snapshot revision follows.</summary>
    ValueTask PruneSnapshotsAsync(StreamId stream, int keep, CancellationToken cancellationToken = default);

    /// <summary>Finds a document; null for none.</summary>
    ValueTask<NamedDocument?> FindDocumentAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Writes a document if its version is still the expected one, atomically.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="content">Its new value.</param>
    /// <param name="expectedVersion">The version last read; 0 if it must not exist.</param>
    /// <param name="cancellationToken">Honoured before anything is sent.</param>
    /// <returns>Its new version, never used before under this name, deletions included; null if the version was another, and nothing was written.</returns>
    ValueTask<long?> PutDocumentAsync(string name, ReadOnlyMemory<byte> content, long expectedVersion, CancellationToken cancellationToken = default);

    /// <summary>Deletes a document if its version is still the expected one; answers whether it did.</summary>
    ValueTask<bool> DeleteDocumentAsync(string name, long expectedVersion, CancellationToken cancellationToken = default);

    /// <summary>Lists documents whose names begin with a prefix, by code point order of names, after a name, at most so many.</summary>
    ValueTask<IReadOnlyList<NamedDocument>> ListDocumentsAsync(string prefix, string after, int limit, CancellationToken cancellationToken = default);

    /// <summary>
    /// Returns when there may be an event after a checkpoint, at the latest after a time. A hint: it may return early and it may miss; whoever waits also polls (G38).
    /// </summary>
    ValueTask WaitForCommitsAsync(Checkpoint after, TimeSpan atMost, CancellationToken cancellationToken = default);

    /// <summary>Removes a stream with its snapshots from every read (G25, G46), and forgets its commit ids. Its checkpoints are not reused (G13).</summary>
    /// <returns>Whether there was one.</returns>
    ValueTask<bool> DeleteStreamAsync(StreamId stream, CancellationToken cancellationToken = default);

    /// <summary>Removes all streams of a bucket, or of the store for null, with their snapshots (G46). Documents stay; checkpoints are not reused (G13).</summary>
    ValueTask PurgeAsync(string? bucket, CancellationToken cancellationToken = default);

    /// <summary>Checks everything stored and reports every damage with its place (G44). Changes nothing.</summary>
    ValueTask<VerificationReport> VerifyAsync(IProgress<VerificationProgress>? progress = null, CancellationToken cancellationToken = default);
}
