namespace EventStore.Pipeline;

/// <summary>
/// Passes reads to an engine, and refuses writes, for a store that is opened for reading only.
/// </summary>
internal sealed class ReadOnlyEngine(IPersistenceEngine engine) : IPersistenceEngine
{
    public EngineDescription Description => engine.Description;

    public ValueTask InitializeAsync(CancellationToken cancellationToken = default) => engine.InitializeAsync(cancellationToken);

    public ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default) =>
        throw Refused("Committing");

    public ValueTask<CommitRecord?> FindCommitAsync(StreamId stream, Guid commitId, CancellationToken cancellationToken = default) =>
        engine.FindCommitAsync(stream, commitId, cancellationToken);

    public ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default) =>
        engine.ReadStreamAsync(read, cancellationToken);

    public ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default) =>
        engine.ReadAllAsync(read, cancellationToken);

    public ValueTask<StreamHead?> FindHeadAsync(StreamId stream, CancellationToken cancellationToken = default) =>
        engine.FindHeadAsync(stream, cancellationToken);

    public ValueTask<IReadOnlyList<StreamHead>> ListHeadsAsync(HeadQuery query, CancellationToken cancellationToken = default) =>
        engine.ListHeadsAsync(query, cancellationToken);

    public ValueTask SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken = default) =>
        throw Refused("Saving a snapshot");

    public ValueTask<SnapshotRecord?> FindSnapshotAsync(StreamId stream, Revision atMost, CancellationToken cancellationToken = default) =>
        engine.FindSnapshotAsync(stream, atMost, cancellationToken);

    public ValueTask PruneSnapshotsAsync(StreamId stream, int keep, CancellationToken cancellationToken = default) =>
        throw Refused("Pruning snapshots");

    public ValueTask<NamedDocument?> FindDocumentAsync(string name, CancellationToken cancellationToken = default) =>
        engine.FindDocumentAsync(name, cancellationToken);

    public ValueTask<long?> PutDocumentAsync(
        string name, ReadOnlyMemory<byte> content, long expectedVersion, CancellationToken cancellationToken = default) =>
        throw Refused("Keeping progress, a consumer or a read stream here (KeepConsumersIn names another place)");

    public ValueTask<bool> DeleteDocumentAsync(string name, long expectedVersion, CancellationToken cancellationToken = default) =>
        throw Refused("Deleting progress, a consumer or a read stream here");

    public ValueTask<IReadOnlyList<NamedDocument>> ListDocumentsAsync(
        string prefix, string after, int limit, CancellationToken cancellationToken = default) =>
        engine.ListDocumentsAsync(prefix, after, limit, cancellationToken);

    public ValueTask WaitForCommitsAsync(Checkpoint after, TimeSpan atMost, CancellationToken cancellationToken = default) =>
        engine.WaitForCommitsAsync(after, atMost, cancellationToken);

    public ValueTask<StreamChange> DeleteStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        throw Refused("Deleting a stream");

    public ValueTask<StreamChange> TruncateStreamAsync(
        StreamId stream, Revision before, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        throw Refused("Truncating a stream");

    public ValueTask<StreamChange> SealStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        throw Refused("Sealing a stream");

    public ValueTask HoldAsync(string holder, CancellationToken cancellationToken = default) => throw Refused("An import");

    public ValueTask ReleaseAsync(string holder, CancellationToken cancellationToken = default) => throw Refused("An import");

    public ValueTask SkipCheckpointsAsync(Checkpoint upTo, CancellationToken cancellationToken = default) => throw Refused("An import");

    public ValueTask PurgeBucketAsync(string bucket, CancellationToken cancellationToken = default) => throw Refused("Purging a bucket");

    public ValueTask PurgeAllAsync(CancellationToken cancellationToken = default) => throw Refused("Purging the store");

    public ValueTask<VerificationReport> VerifyAsync(
        IProgress<VerificationProgress>? progress = null, CancellationToken cancellationToken = default) =>
        engine.VerifyAsync(progress, cancellationToken);

    public ValueTask DisposeAsync() => engine.DisposeAsync();

    private static ReadOnlyStorageException Refused(string what) => new(what);
}
