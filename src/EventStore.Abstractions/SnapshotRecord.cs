namespace EventStore.Engines;

/// <summary>The state of a stream at a revision, as an engine keeps it.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Revision">The revision whose state it is; 1 or higher.</param>
/// <param name="SchemaVersion">The version of the state's shape; 0 or higher. At one revision the higher one is newer.</param>
/// <param name="StateType">The stable name of the state's type.</param>
/// <param name="Payload">The state, encoded.</param>
public sealed record SnapshotRecord(StreamId Stream, Revision Revision, int SchemaVersion, string StateType, ReadOnlyMemory<byte> Payload)
{
    /// <summary>
    /// The incarnation of its stream. An engine returns it with what it finds, and refuses one of another incarnation; the origin is
    /// accepted for any.
    /// </summary>
    public Checkpoint Incarnation { get; init; }
}
