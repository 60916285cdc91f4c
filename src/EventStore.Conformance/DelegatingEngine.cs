namespace EventStore.Conformance;

/// <summary>
/// An engine that passes every call to another one, for tests that change one thing: lose a result, wait, break a guarantee.
/// </summary>
public abstract class DelegatingEngine(IPersistenceEngine inner) : IPersistenceEngine
{
    /// <summary>The engine that gets every call; read at every call.</summary>
    protected virtual IPersistenceEngine Inner { get; } = inner;

    public virtual EngineDescription Description => Inner.Description;

    public virtual ValueTask InitializeAsync(CancellationToken cancellationToken = default) => Inner.InitializeAsync(cancellationToken);

    public virtual ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default) =>
        Inner.CommitAsync(attempts, cancellationToken);

    public virtual ValueTask<CommitRecord?> FindCommitAsync(
        StreamId stream, Guid commitId, CancellationToken cancellationToken = default) =>
        Inner.FindCommitAsync(stream, commitId, cancellationToken);

    public virtual ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default) =>
        Inner.ReadStreamAsync(read, cancellationToken);

    public virtual ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default) =>
        Inner.ReadAllAsync(read, cancellationToken);

    public virtual ValueTask<StreamHead?> FindHeadAsync(StreamId stream, CancellationToken cancellationToken = default) =>
        Inner.FindHeadAsync(stream, cancellationToken);

    public virtual ValueTask<IReadOnlyList<StreamHead>> ListHeadsAsync(HeadQuery query, CancellationToken cancellationToken = default) =>
        Inner.ListHeadsAsync(query, cancellationToken);

    public virtual ValueTask SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken = default) =>
        Inner.SaveSnapshotAsync(snapshot, cancellationToken);

    public virtual ValueTask<SnapshotRecord?> FindSnapshotAsync(
        StreamId stream, Revision atMost, CancellationToken cancellationToken = default) =>
        Inner.FindSnapshotAsync(stream, atMost, cancellationToken);

    public virtual ValueTask PruneSnapshotsAsync(StreamId stream, int keep, CancellationToken cancellationToken = default) =>
        Inner.PruneSnapshotsAsync(stream, keep, cancellationToken);

    public virtual ValueTask<NamedDocument?> FindDocumentAsync(string name, CancellationToken cancellationToken = default) =>
        Inner.FindDocumentAsync(name, cancellationToken);

    public virtual ValueTask<long?> PutDocumentAsync(
        string name, ReadOnlyMemory<byte> content, long expectedVersion, CancellationToken cancellationToken = default) =>
        Inner.PutDocumentAsync(name, content, expectedVersion, cancellationToken);

    public virtual ValueTask<bool> DeleteDocumentAsync(string name, long expectedVersion, CancellationToken cancellationToken = default) =>
        Inner.DeleteDocumentAsync(name, expectedVersion, cancellationToken);

    public virtual ValueTask<IReadOnlyList<NamedDocument>> ListDocumentsAsync(
        string prefix, string after, int limit, CancellationToken cancellationToken = default) =>
        Inner.ListDocumentsAsync(prefix, after, limit, cancellationToken);

    public virtual ValueTask WaitForCommitsAsync(Checkpoint after, TimeSpan atMost, CancellationToken cancellationToken = default) =>
        Inner.WaitForCommitsAsync(after, atMost, cancellationToken);

    public virtual ValueTask<StreamChange> DeleteStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        Inner.DeleteStreamAsync(stream, expected, cancellationToken);

    public virtual ValueTask<StreamChange> TruncateStreamAsync(
        StreamId stream, Revision before, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        Inner.TruncateStreamAsync(stream, before, expected, cancellationToken);

    public virtual ValueTask<StreamChange> SealStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        Inner.SealStreamAsync(stream, expected, cancellationToken);

    public virtual ValueTask HoldAsync(string holder, CancellationToken cancellationToken = default) =>
        Inner.HoldAsync(holder, cancellationToken);

    public virtual ValueTask ReleaseAsync(string holder, CancellationToken cancellationToken = default) =>
        Inner.ReleaseAsync(holder, cancellationToken);

    public virtual ValueTask SkipCheckpointsAsync(Checkpoint upTo, CancellationToken cancellationToken = default) =>
        Inner.SkipCheckpointsAsync(upTo, cancellationToken);

    public virtual ValueTask PurgeBucketAsync(string bucket, CancellationToken cancellationToken = default) =>
        Inner.PurgeBucketAsync(bucket, cancellationToken);

    public virtual ValueTask PurgeAllAsync(CancellationToken cancellationToken = default) => Inner.PurgeAllAsync(cancellationToken);

    public virtual ValueTask<VerificationReport> VerifyAsync(
        IProgress<VerificationProgress>? progress = null, CancellationToken cancellationToken = default) =>
        Inner.VerifyAsync(progress, cancellationToken);

    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return Inner.DisposeAsync();
    }
}
