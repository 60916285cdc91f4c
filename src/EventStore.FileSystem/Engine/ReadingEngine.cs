using EventStore.FileSystem.Maintenance;
using EventStore.FileSystem.Reading;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Engine;

/// <summary>The reading half of both engines, the one that writes and the one that only reads.</summary>
internal abstract class ReadingEngine
{
    public ValueTask<CommitRecord?> FindCommitAsync(StreamId stream, Guid commitId, CancellationToken cancellationToken = default) =>
        ReadAsync(store => DuplicateReading.Find(store, stream, commitId), cancellationToken);

    public ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default) =>
        ReadAsync(store => StreamReading.Read(store, read), cancellationToken);

    public ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default) =>
        ReadAsync(store => StoreReading.Read(store, read), cancellationToken);

    public ValueTask<StreamHead?> FindHeadAsync(StreamId stream, CancellationToken cancellationToken = default) =>
        ReadAsync(store => HeadReading.Find(store, stream), cancellationToken);

    public ValueTask<IReadOnlyList<StreamHead>> ListHeadsAsync(HeadQuery query, CancellationToken cancellationToken = default) =>
        ReadAsync(store => HeadReading.List(store, query), cancellationToken);

    public ValueTask<SnapshotRecord?> FindSnapshotAsync(StreamId stream, Revision atMost, CancellationToken cancellationToken = default) =>
        ReadAsync(store => SnapshotReading.Find(store, stream, atMost), cancellationToken);

    public ValueTask<NamedDocument?> FindDocumentAsync(string name, CancellationToken cancellationToken = default)
    {
        NamedDocument.RequireName(name);
        return ReadAsync(store => DocumentReading.Find(store, name), cancellationToken);
    }

    public ValueTask<IReadOnlyList<NamedDocument>> ListDocumentsAsync(
        string prefix, string after, int limit, CancellationToken cancellationToken = default)
    {
        NamedDocument.RequireListing(prefix, after);
        return ReadAsync(store => DocumentReading.List(store, prefix, after, limit), cancellationToken);
    }

    public ValueTask<VerificationReport> VerifyAsync(
        IProgress<VerificationProgress>? progress = null, CancellationToken cancellationToken = default) =>
        ReadAsync(store => new Verification(store, progress, cancellationToken).Run(), cancellationToken);

    /// <summary>Reads from the store.</summary>
    protected abstract ValueTask<T> ReadAsync<T>(Func<StoreView, T> read, CancellationToken cancellationToken);
}
