namespace EventStore;

/// <summary>The state of a stream at a revision, as an application saves and reads it.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Revision">The revision whose state it is; 1 or higher.</param>
/// <param name="State">The state; an <see cref="UnknownEvent"/> where its type is not registered.</param>
/// <param name="SchemaVersion">The version of the state's shape; 0 or higher. At one revision the higher one is newer.</param>
public record Snapshot(StreamId Stream, Revision Revision, object State, int SchemaVersion = 0)
{
    /// <summary>
    /// The stream to which it belongs, by the checkpoint of its first event; the origin for one that was made by the application. A
    /// snapshot of a stream that was deleted since does not open a new one of the same name.
    /// </summary>
    public Checkpoint Incarnation { get; init; }

    /// <summary>The same snapshot with its state as a type. <c>store.Snapshots.FindAsync</c> finds snapshots without one.</summary>
    /// <exception cref="InvalidCastException">The state is of another type.</exception>
    public Snapshot<TState> Of<TState>() where TState : notnull => this as Snapshot<TState> ?? (State is TState state
        ? new(Stream, Revision, state, SchemaVersion) { Incarnation = Incarnation }
        : throw new InvalidCastException(
            $"The snapshot of stream '{Stream}' at revision {Revision} has a state of {State?.GetType()}, not of {typeof(TState)}. "
            + "Ask for its type, or register the type under the name with which the snapshot was saved."));

    /// <summary>The place, and the type of the state. The state itself is not shown.</summary>
    public sealed override string ToString() =>
        $"Snapshot of stream '{Stream}' at revision {Revision}, schema version {SchemaVersion}, state {State?.GetType().Name}";
}

/// <summary>A snapshot whose state is of a known type.</summary>
/// <typeparam name="TState">The state.</typeparam>
/// <param name="Stream">The stream.</param>
/// <param name="Revision">The revision whose state it is; 1 or higher.</param>
/// <param name="State">The state.</param>
/// <param name="SchemaVersion">The version of the state's shape; 0 or higher. At one revision the higher one is newer.</param>
public sealed record Snapshot<TState>(StreamId Stream, Revision Revision, TState State, int SchemaVersion = 0)
    : Snapshot(Stream, Revision, State, SchemaVersion) where TState : notnull
{
    /// <summary>The state.</summary>
    public new TState State
    {
        get => (TState)base.State;
        init => base.State = value;
    }
}

/// <summary>A stream that was opened from a snapshot.</summary>
/// <param name="Snapshot">The snapshot; null if there is none that fits.</param>
/// <param name="Stream">The stream, with the events after the snapshot, or all of them.</param>
public sealed record OpenedStream(Snapshot? Snapshot, IEventStream Stream);

/// <summary>The newest revision of a stream, and of its newest snapshot.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Revision">Its revision: the number of its events.</param>
/// <param name="CommitSequence">The number of its newest commit.</param>
/// <param name="SnapshotRevision">The revision of its newest snapshot; 0 when it has none.</param>
public sealed record StreamHead(StreamId Stream, Revision Revision, CommitSequence CommitSequence, Revision SnapshotRevision)
{
    /// <summary>The first revision that is not truncated; one above the revision where all are.</summary>
    public Revision FirstRevision { get; init; } = new(1);

    /// <summary>Whether the stream refuses commits.</summary>
    public bool IsSealed { get; init; }

    /// <summary>The checkpoint of the stream's first event, which distinguishes a stream from another of the same name.</summary>
    public Checkpoint Incarnation { get; init; }

    /// <summary>How many events came after the newest snapshot.</summary>
    public long EventsSinceSnapshot => Revision.Value - SnapshotRevision.Value;
}
