using System.Runtime.CompilerServices;
using EventStore.Pipeline;

namespace EventStore.Streams;

/// <summary>Snapshots of streams: encoded like events, and pruned to the number that is kept.</summary>
internal sealed class SnapshotStore(IPersistenceEngine engine, EventCodec codec, int? keep, Liveness liveness) : ISnapshots
{
    public async ValueTask SaveAsync(Snapshot snapshot, CancellationToken cancellationToken = default)
    {
        liveness.ThrowIfDisposed();
        ArgumentNullException.ThrowIfNull(snapshot);
        ArgumentNullException.ThrowIfNull(snapshot.State, nameof(snapshot));
        var record = codec.Encode(snapshot);
        engine.Description.Limits.Require(record);
        await engine.SaveSnapshotAsync(record, cancellationToken).ConfigureAwait(false);
        if (keep is { } newest) await engine.PruneSnapshotsAsync(snapshot.Stream, newest, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<Snapshot?> FindAsync(
        StreamId stream, Revision? atMost = null, int? schemaVersion = null, CancellationToken cancellationToken = default)
    {
        liveness.ThrowIfDisposed();
        var below = atMost ?? Revision.Max;
        while (await engine.FindSnapshotAsync(stream, below, cancellationToken).ConfigureAwait(false) is { } record)
        {
            if (schemaVersion is null || record.SchemaVersion == schemaVersion) return codec.Decode(record);
            if (record.Revision.Value == 1) break;
            below = new(record.Revision.Value - 1);
        }

        return null;
    }

    public IAsyncEnumerable<StreamHead> ListStreamsDueAsync(string? bucket, long minEventsSinceSnapshot, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(minEventsSinceSnapshot, 1);
        return ListAsync(engine, liveness, bucket, minEventsSinceSnapshot, cancellationToken);
    }

    /// <summary>Heads by name, page by page.</summary>
    public static async IAsyncEnumerable<StreamHead> ListAsync(
        IPersistenceEngine engine, Liveness liveness, string? bucket, long minEventsSinceSnapshot, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        const int PageSize = 500;
        StreamId? after = null;
        IReadOnlyList<StreamHead> page;
        do
        {
            liveness.ThrowIfDisposed();
            page = await engine.ListHeadsAsync(new HeadQuery(bucket, minEventsSinceSnapshot, after, PageSize), cancellationToken).ConfigureAwait(false);
            foreach (var head in page)
            {
                yield return head;
                cancellationToken.ThrowIfCancellationRequested();
            }

            if (page.Count > 0) after = page[^1].Stream;
        }
        while (page.Count == PageSize);
    }
}
