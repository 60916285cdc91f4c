using EventStore.Pipeline;

namespace EventStore.Streams;

/// <summary>The application's access to snapshots, which are encoded like events.</summary>
internal sealed class SnapshotStore(SnapshotRecords records, EventCodec codec, PageReader pages) : ISnapshots
{
    public async ValueTask SaveAsync(Snapshot snapshot, CancellationToken cancellationToken = default)
    {
        pages.ThrowIfEnded();
        ArgumentNullException.ThrowIfNull(snapshot);
        ArgumentNullException.ThrowIfNull(snapshot.State, nameof(snapshot));
        _ = snapshot.Stream.Id;
        await records.SaveAsync(codec.Encode(snapshot), cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<Snapshot?> FindAsync(
        StreamId stream, Revision? atMost = null, int? schemaVersion = null, CancellationToken cancellationToken = default)
    {
        pages.ThrowIfEnded();
        _ = stream.Id;
        ArgumentOutOfRangeException.ThrowIfNegative(schemaVersion ?? 0, nameof(schemaVersion));
        return await records.FindAsync(stream, atMost ?? Revision.Max, schemaVersion, cancellationToken).ConfigureAwait(false) is { } record
            ? codec.Decode(record)
            : null;
    }

    public IAsyncEnumerable<StreamHead> ListStreamsDueAsync(
        string? bucket, long minEventsSinceSnapshot, CancellationToken cancellationToken = default)
    {
        pages.ThrowIfEnded();
        ArgumentOutOfRangeException.ThrowIfLessThan(minEventsSinceSnapshot, 1);
        if (bucket is not null) StreamId.RequireBucket(bucket);
        return pages.ListHeadsAsync(bucket, minEventsSinceSnapshot, after: null, cancellationToken);
    }
}
