namespace EventStore;

/// <summary>The state of a stream at a revision, as an engine keeps it.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Revision">The revision whose state it is; 1 or higher.</param>
/// <param name="SchemaVersion">The version of the state's shape; 0 or higher. At one revision the higher one is newer.</param>
/// <param name="StateType">The stable name of the state's type.</param>
/// <param name="Payload">The state, encoded.</param>
public sealed record SnapshotRecord(StreamId Stream, Revision Revision, int SchemaVersion, string StateType, ReadOnlyMemory<byte> Payload);

/// <summary>The state of a stream at a revision, as an application hands it over and gets it back.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Revision">The revision whose state it is; 1 or higher.</param>
/// <param name="State">The state; an <see cref="UnknownEvent"/> where its type is not known here.</param>
/// <param name="SchemaVersion">The version of the state's shape; 0 or higher. At one revision the higher one is newer.</param>
public sealed record Snapshot(StreamId Stream, Revision Revision, object State, int SchemaVersion = 0);

/// <summary>A stream's newest revision, with its newest snapshot's.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Revision">Its revision: the number of its events.</param>
/// <param name="CommitSequence">The number of its newest commit.</param>
/// <param name="SnapshotRevision">The revision of its newest snapshot; 0 when it has none.</param>
public sealed record StreamHead(StreamId Stream, Revision Revision, CommitSequence CommitSequence, Revision SnapshotRevision)
{
    /// <summary>How many events came after the newest snapshot.</summary>
    public long EventsSinceSnapshot => Revision.Value - SnapshotRevision.Value;
}
