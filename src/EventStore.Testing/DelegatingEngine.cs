namespace EventStore.Testing;

/// <summary>
/// An engine that passes every call to another one, for tests that change one thing: lose a result, wait, break a guarantee.
/// </summary>
/// <param name="inner">The engine that carries the calls out.</param>
public abstract class DelegatingEngine(IPersistenceEngine inner) : IPersistenceEngine
{
    /// <summary>The engine that gets every call; read at every call.</summary>
    protected virtual IPersistenceEngine Inner { get; } = inner;

    /// <inheritdoc/>
    public virtual EngineDescription Description => Inner.Description;

    /// <inheritdoc/>
    public virtual ValueTask InitializeAsync(CancellationToken cancellationToken = default) => Inner.InitializeAsync(cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default) =>
        Inner.CommitAsync(attempts, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<CommitRecord?> FindCommitAsync(
        StreamId stream, Guid commitId, CancellationToken cancellationToken = default) =>
        Inner.FindCommitAsync(stream, commitId, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default) =>
        Inner.ReadStreamAsync(read, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default) =>
        Inner.ReadAllAsync(read, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<StreamHead?> FindHeadAsync(StreamId stream, CancellationToken cancellationToken = default) =>
        Inner.FindHeadAsync(stream, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<IReadOnlyList<StreamHead>> ListHeadsAsync(HeadQuery query, CancellationToken cancellationToken = default) =>
        Inner.ListHeadsAsync(query, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken = default) =>
        Inner.SaveSnapshotAsync(snapshot, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<SnapshotRecord?> FindSnapshotAsync(
        StreamId stream, Revision atMost, CancellationToken cancellationToken = default) =>
        Inner.FindSnapshotAsync(stream, atMost, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask PruneSnapshotsAsync(StreamId stream, int keep, CancellationToken cancellationToken = default) =>
        Inner.PruneSnapshotsAsync(stream, keep, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<NamedDocument?> FindDocumentAsync(string name, CancellationToken cancellationToken = default) =>
        Inner.FindDocumentAsync(name, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<long?> PutDocumentAsync(
        string name, ReadOnlyMemory<byte> content, long expectedVersion, CancellationToken cancellationToken = default) =>
        Inner.PutDocumentAsync(name, content, expectedVersion, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<bool> DeleteDocumentAsync(string name, long expectedVersion, CancellationToken cancellationToken = default) =>
        Inner.DeleteDocumentAsync(name, expectedVersion, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<IReadOnlyList<NamedDocument>> ListDocumentsAsync(
        string prefix, string after, int limit, CancellationToken cancellationToken = default) =>
        Inner.ListDocumentsAsync(prefix, after, limit, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask WaitForCommitsAsync(Checkpoint after, TimeSpan atMost, CancellationToken cancellationToken = default) =>
        Inner.WaitForCommitsAsync(after, atMost, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<StreamChange> DeleteStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        Inner.DeleteStreamAsync(stream, expected, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<StreamChange> TruncateStreamAsync(
        StreamId stream, Revision before, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        Inner.TruncateStreamAsync(stream, before, expected, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<StreamChange> SealStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        Inner.SealStreamAsync(stream, expected, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask HoldAsync(string holder, CancellationToken cancellationToken = default) =>
        Inner.HoldAsync(holder, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask ReleaseAsync(string holder, CancellationToken cancellationToken = default) =>
        Inner.ReleaseAsync(holder, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask SkipCheckpointsAsync(Checkpoint upTo, CancellationToken cancellationToken = default) =>
        Inner.SkipCheckpointsAsync(upTo, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask PurgeBucketAsync(string bucket, CancellationToken cancellationToken = default) =>
        Inner.PurgeBucketAsync(bucket, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask PurgeAllAsync(CancellationToken cancellationToken = default) => Inner.PurgeAllAsync(cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<VerificationReport> VerifyAsync(
        IProgress<VerificationProgress>? progress = null, CancellationToken cancellationToken = default) =>
        Inner.VerifyAsync(progress, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return Inner.DisposeAsync();
    }
}
