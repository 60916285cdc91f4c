namespace EventStore;

/// <summary>Snapshots of streams.</summary>
public interface ISnapshots
{
    /// <summary>Stores a snapshot; one of the same revision and schema version is replaced.</summary>
    /// <exception cref="SnapshotRefusedException">It is above the stream's head.</exception>
    ValueTask SaveAsync(Snapshot snapshot, CancellationToken cancellationToken = default);

    /// <summary>Finds the newest snapshot; null for none.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="atMost">Only a snapshot at or below this revision; null for any.</param>
    /// <param name="schemaVersion">
    /// Only a snapshot of this schema version; null for any. At a revision with several versions, only the highest is considered.
    /// </param>
    /// <param name="cancellationToken">Ends the search by throwing.</param>
    /// <exception cref="ArgumentOutOfRangeException">The schema version is negative.</exception>
    ValueTask<Snapshot?> FindAsync(
        StreamId stream, Revision? atMost = null, int? schemaVersion = null, CancellationToken cancellationToken = default);

    /// <summary>Lists streams with at least this many events since their newest snapshot, by name. Null for all buckets.</summary>
    IAsyncEnumerable<StreamHead> ListStreamsDueAsync(
        string? bucket, long minEventsSinceSnapshot, CancellationToken cancellationToken = default);
}
