using EventStore.FileSystem.Documents;
using EventStore.FileSystem.Index;
using EventStore.FileSystem.Maintenance;
using EventStore.FileSystem.Snapshots;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Engine;

/// <summary>What is read is read in one way, whoever writes.</summary>
internal abstract class ReadingEngine
{
    public ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default) =>
        Ask(store => StreamReading.Read(store, read), cancellationToken);

    public ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default) =>
        Ask(store => StoreReading.Read(store, read), cancellationToken);

    public ValueTask<StreamHead?> FindHeadAsync(StreamId stream, CancellationToken cancellationToken = default) => Ask(store =>
    {
        var head = store.Index.FindHead(stream);
        return head.Exists ? ToHead(store, stream, IndexKeys.OfStream(stream), head) : null;
    }, cancellationToken);

    public ValueTask<IReadOnlyList<StreamHead>> ListHeadsAsync(HeadQuery query, CancellationToken cancellationToken = default) => Ask(store =>
    {
        var found = new List<StreamHead>();
        var bucket = IndexKeys.OfBucket(query.Bucket);
        var after = query.After is { } stream ? IndexKeys.OfStream(stream) : bucket;
        var from = after.AsSpan().SequenceCompareTo(bucket) > 0 ? after : bucket;
        var cursor = store.Index.State.OpenCursor();
        for (var isThere = cursor.Seek(from); isThere && found.Count < query.Limit && cursor.Key.StartsWith(bucket); isThere = cursor.Next())
        {
            var head = HeadEntry.Read(cursor.Value);
            if (!head.Exists || head.Revision < query.MinEventsSinceSnapshot || cursor.Key.SequenceEqual(after)) continue;
            var name = IndexKeys.StreamOf(cursor.Key);
            if (store.Index.Removals.Holds(name.Bucket, head.Start)) continue;
            var listed = ToHead(store, name, cursor.Key.ToArray(), head);
            if (listed.EventsSinceSnapshot >= query.MinEventsSinceSnapshot) found.Add(listed);
        }

        return (IReadOnlyList<StreamHead>)found;
    }, cancellationToken);

    public ValueTask<SnapshotRecord?> FindSnapshotAsync(StreamId stream, Revision atMost, CancellationToken cancellationToken = default) =>
        Ask(store => SnapshotReading.Find(store, stream, atMost), cancellationToken);

    public ValueTask<NamedDocument?> FindDocumentAsync(string name, CancellationToken cancellationToken = default)
    {
        NamedDocument.RequireName(name);
        return Ask(store => DocumentReading.Find(store, name), cancellationToken);
    }

    public ValueTask<IReadOnlyList<NamedDocument>> ListDocumentsAsync(string prefix, string after, int limit, CancellationToken cancellationToken = default) =>
        Ask(store => DocumentReading.List(store, prefix, after, limit), cancellationToken);

    public ValueTask<VerificationReport> VerifyAsync(IProgress<VerificationProgress>? progress = null, CancellationToken cancellationToken = default) =>
        Ask(store => new Verification(store, progress, cancellationToken).Run(), cancellationToken);

    /// <summary>Reads what is there now.</summary>
    protected abstract ValueTask<T> Ask<T>(Func<StoreView, T> read, CancellationToken cancellationToken);

    private static StreamHead ToHead(StoreView store, StreamId stream, byte[] headKey, HeadEntry head) =>
        new(stream, new Revision(head.Revision), new CommitSequence(head.Sequence), new Revision(SnapshotReading.NewestRevision(store, headKey, head)));
}
