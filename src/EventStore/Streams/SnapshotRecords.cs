using EventStore.Pipeline;

namespace EventStore.Streams;

/// <summary>The stored snapshots of a store, of which only the newest of each stream may be kept.</summary>
/// <param name="engine">Stores them.</param>
/// <param name="keep">How many snapshots of a stream are kept; null for all.</param>
/// <param name="lifetime">Whether the store is open.</param>
internal sealed class SnapshotRecords(IPersistenceEngine engine, int? keep, StoreLifetime lifetime)
{
    public async ValueTask SaveAsync(SnapshotRecord record, CancellationToken cancellationToken)
    {
        lifetime.ThrowIfEnded();
        engine.Description.Limits.Require(record);
        await engine.SaveSettledAsync(record, cancellationToken).ConfigureAwait(false);
        if (keep is { } newest) await engine.PruneSettledAsync(record.Stream, newest, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The newest snapshot at or below a revision, of one schema version where one is given.</summary>
    public async ValueTask<SnapshotRecord?> FindAsync(
        StreamId stream, Revision atMost, int? schemaVersion, CancellationToken cancellationToken)
    {
        lifetime.ThrowIfEnded();
        while (await engine.FindSnapshotAsync(stream, atMost, cancellationToken).ConfigureAwait(false) is { } record)
        {
            if (schemaVersion is null || record.SchemaVersion == schemaVersion) return record;
            if (record.Revision.Value == 1) break;
            atMost = new(record.Revision.Value - 1);
        }

        return null;
    }
}
