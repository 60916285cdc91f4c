namespace EventStore.Engines;

/// <summary>
/// What a backend implements. It keeps four kinds of data: commits, heads, snapshots and named documents.
/// Each member names its guarantees by their numbers in docs/guarantees.md; the conformance kit tests them.
/// </summary>
/// <remarks>
/// Every member may be called from many threads at once, and throws <see cref="ObjectDisposedException"/> after dispose (G48). For a
/// cancelled token it throws <see cref="OperationCanceledException"/> only if nothing was written (G12). An engine copies what it keeps:
/// the caller's memory may change after the call (G10). An engine never throws errors of a driver. It throws
/// <see cref="StorageUnavailableException"/> if nothing was written and a later call may succeed. It throws
/// <see cref="BatchOutcomeUnknownException"/> if it is unknown whether something was written; a writer of a document or snapshot then reads
/// again. Otherwise it throws <see cref="StorageException"/>.
/// </remarks>
public interface IPersistenceEngine : IAsyncDisposable
{
    /// <summary>Describes the engine and what it promises; complete after initialization (G43).</summary>
    EngineDescription Description { get; }

    /// <summary>
    /// Opens the storage: checks it and, if <see cref="EngineContext.MayCreateStorage"/> is set, creates what is missing. Called before
    /// any other member. May run twice, and in several processes at once; refuses unknown formats (G47).
    /// </summary>
    /// <exception cref="StorageException">The storage is missing, of an unknown format, or damaged.</exception>
    ValueTask InitializeAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Stores attempts, independent of one another, in the given order, and returns an outcome for each at its index. An attempt is whole
    /// or absent (G3). It gets consecutive revisions and checkpoints (G4, G13), which become visible in that order (G14). It is decided
    /// against the attempts before it (G5, G6). A commit id known in the stream returns a duplicate, whatever revision is expected (G7).
    /// A unit is stored whole or not at all (G54). <see cref="AttemptRules"/> has the order of the checks. The engine assigns the stamp
    /// (G11). On return every read reflects the batch (G9).
    /// </summary>
    /// <param name="attempts">At least one.</param>
    /// <param name="cancellationToken">Honoured before anything is sent.</param>
    /// <exception cref="TooLargeException">An attempt exceeds the limits; nothing of the batch was stored (G8).</exception>
    /// <exception cref="StorageUnavailableException">Nothing of the batch was stored.</exception>
    /// <exception cref="BatchOutcomeUnknownException">Some or all of it may be stored (G12).</exception>
    ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default);

    /// <summary>Stores one attempt exactly as a batch of one. An engine implements it only where that saves work.</summary>
    async ValueTask<CommitOutcome> CommitAsync(CommitAttempt attempt, CancellationToken cancellationToken = default) =>
        (await CommitAsync([attempt], cancellationToken).ConfigureAwait(false))[0];

    /// <summary>
    /// Finds the commit that a stream holds under a commit id, by index, also one whose events were truncated (G55); null for none. What is
    /// found is stored as durably as an acknowledged commit. Null does not show that a request still under way stores nothing (G12).
    /// </summary>
    ValueTask<CommitRecord?> FindCommitAsync(StreamId stream, Guid commitId, CancellationToken cancellationToken = default);

    /// <summary>
    /// Reads a page of one stream, by key: the range's next events and the stream's state (G15–G18). The cost depends on the page only
    /// (G20). A range that begins below the first revision begins there (G55).
    /// </summary>
    ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default);

    /// <summary>
    /// Reads a page of the store in checkpoint order, filtered (G14–G19). Its position advances even where nothing matches (G19). Criteria
    /// that name a category or a tag cost at most the entries of the rarest such term (G51).
    /// </summary>
    ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default);

    /// <summary>Finds a stream's head without reading events (G20); null for no stream.</summary>
    ValueTask<StreamHead?> FindHeadAsync(StreamId stream, CancellationToken cancellationToken = default);

    /// <summary>
    /// Lists heads in the order of <see cref="StreamId.CompareTo"/>, paged by key; exact immediately after a commit (G24).
    /// </summary>
    ValueTask<IReadOnlyList<StreamHead>> ListHeadsAsync(HeadQuery query, CancellationToken cancellationToken = default);

    /// <summary>Stores a snapshot; one of the same revision and schema version is replaced (G21). Heads show the newest (G22).</summary>
    /// <exception cref="SnapshotRefusedException"><see cref="AttemptRules.Accepts"/> says no (G22, G46, G55).</exception>
    /// <exception cref="TooLargeException">It exceeds the limits.</exception>
    ValueTask SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken = default);

    /// <summary>
    /// Finds the newest snapshot at or below a revision, of the highest schema version there (G21), with the incarnation of its stream.
    /// Null for none.
    /// </summary>
    ValueTask<SnapshotRecord?> FindSnapshotAsync(StreamId stream, Revision atMost, CancellationToken cancellationToken = default);

    /// <summary>Deletes the snapshots of a stream except the newest (G23); 0 deletes all. The head shows the newest one left.</summary>
    ValueTask PruneSnapshotsAsync(StreamId stream, int keep, CancellationToken cancellationToken = default);

    /// <summary>Finds a document; null for none.</summary>
    ValueTask<NamedDocument?> FindDocumentAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Writes a document if its version is still the expected one, atomically.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="content">Its new value.</param>
    /// <param name="expectedVersion">The version last read; 0 if it must not exist.</param>
    /// <param name="cancellationToken">Honoured before anything is sent.</param>
    /// <returns>
    /// Its new version, never used before under this name, also before a deletion; null if the version was another, and nothing was
    /// written.
    /// </returns>
    ValueTask<long?> PutDocumentAsync(
        string name, ReadOnlyMemory<byte> content, long expectedVersion, CancellationToken cancellationToken = default);

    /// <summary>Deletes a document if its version is still the expected one. Returns whether it was deleted.</summary>
    ValueTask<bool> DeleteDocumentAsync(string name, long expectedVersion, CancellationToken cancellationToken = default);

    /// <summary>Lists documents whose names begin with a prefix, after a name, in code point order, up to a limit.</summary>
    ValueTask<IReadOnlyList<NamedDocument>> ListDocumentsAsync(
        string prefix, string after, int limit, CancellationToken cancellationToken = default);

    /// <summary>
    /// Waits until there may be an event after a checkpoint, at the longest for a time. A hint: it may return early or miss one, so a
    /// caller also polls (G38).
    /// </summary>
    ValueTask WaitForCommitsAsync(Checkpoint after, TimeSpan atMost, CancellationToken cancellationToken = default);

    /// <summary>
    /// Deletes a stream with its snapshots from every read (G25, G46), its commit ids and its seal. Its checkpoints are not reused (G13).
    /// </summary>
    /// <returns><see cref="StreamChangeKind.Changed"/>, <see cref="StreamChangeKind.Missing"/> or a conflict.</returns>
    ValueTask<StreamChange> DeleteStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default);

    /// <summary>
    /// Removes the events of a stream below a revision from every read (G55). Revision, commit sequence, incarnation and commit ids stay;
    /// snapshots below the revision before are deleted. A revision above the head removes all events.
    /// </summary>
    /// <returns>The stream after it; unchanged where those events were removed before.</returns>
    ValueTask<StreamChange> TruncateStreamAsync(
        StreamId stream, Revision before, StreamExpectation expected, CancellationToken cancellationToken = default);

    /// <summary>Makes a stream refuse commits until it is deleted (G56).</summary>
    ValueTask<StreamChange> SealStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default);

    /// <summary>
    /// Holds the storage for an import (G58): only this engine may commit, and all others throw <see cref="StorageHeldException"/>, also
    /// after a restart. Holding again under the same name continues an import that was interrupted.
    /// </summary>
    /// <param name="holder">The name of the import.</param>
    /// <param name="cancellationToken">Honoured before anything is sent.</param>
    /// <exception cref="StorageHeldException">Another import holds the storage.</exception>
    ValueTask HoldAsync(string holder, CancellationToken cancellationToken = default);

    /// <summary>Ends the hold of an import, so that all may commit again. Does nothing where there is none.</summary>
    /// <exception cref="StorageHeldException">Another import holds the storage.</exception>
    ValueTask ReleaseAsync(string holder, CancellationToken cancellationToken = default);

    /// <summary>
    /// Passes over checkpoints up to this one, so that the next commit gets the one after it (G58). Reads move on over the gap. Does
    /// nothing where the store is already that far.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is above <see cref="AttemptRules.MaxSkipped"/>.</exception>
    /// <exception cref="InvalidOperationException">This engine does not hold the storage.</exception>
    ValueTask SkipCheckpointsAsync(Checkpoint upTo, CancellationToken cancellationToken = default);

    /// <summary>
    /// Deletes all streams of a bucket, with their snapshots (G46). Keeps documents; checkpoints are not reused (G13).
    /// </summary>
    /// <exception cref="InvalidNameException">The bucket's name is empty, too long or ill-formed.</exception>
    ValueTask PurgeBucketAsync(string bucket, CancellationToken cancellationToken = default);

    /// <summary>
    /// Deletes all streams of the store, with their snapshots (G46). Keeps documents; checkpoints are not reused (G13).
    /// </summary>
    ValueTask PurgeAllAsync(CancellationToken cancellationToken = default);

    /// <summary>Checks all stored data and reports each damage with its place (G44). Changes nothing.</summary>
    ValueTask<VerificationReport> VerifyAsync(
        IProgress<VerificationProgress>? progress = null, CancellationToken cancellationToken = default);
}
