using EventStore.Engines;

namespace EventStore;

/// <summary>A snapshot of another store, as it is imported: its bytes as they are, or a state that this store encodes.</summary>
public sealed class ImportSnapshot
{
    /// <summary>Creates a snapshot of bytes, which are stored unchanged. Which incarnation it was of does not matter.</summary>
    public ImportSnapshot(SnapshotRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        Record = record;
    }

    /// <summary>Creates a snapshot of a state.</summary>
    public ImportSnapshot(Snapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        Snapshot = snapshot;
    }

    /// <summary>The bytes; null for a state.</summary>
    public SnapshotRecord? Record { get; }

    /// <summary>The state; null for bytes.</summary>
    public Snapshot? Snapshot { get; }
}
