namespace EventStore.Engines;

/// <summary>A unit as it is stored: commits of several streams that were stored together (G54).</summary>
/// <param name="FirstCheckpoint">The checkpoint of its first event.</param>
/// <param name="Size">How many commits it has.</param>
public readonly record struct UnitPlace(Checkpoint FirstCheckpoint, int Size);

/// <summary>A stored commit without its events, as an engine keeps it.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="CommitId">The commit's id.</param>
/// <param name="Sequence">The commit's number in its stream.</param>
/// <param name="Stamp">When it was stored, in UTC, to the microsecond. Never decreases along checkpoints; nothing is decided by it.</param>
/// <param name="FirstRevision">The revision of its first event.</param>
/// <param name="FirstCheckpoint">The checkpoint of its first event.</param>
/// <param name="EventCount">How many events it has, with consecutive revisions and checkpoints.</param>
/// <param name="Headers">The commit's headers, encoded.</param>
public sealed record CommitRecord(
    StreamId Stream,
    Guid CommitId,
    CommitSequence Sequence,
    DateTimeOffset Stamp,
    Revision FirstRevision,
    Checkpoint FirstCheckpoint,
    int EventCount,
    ReadOnlyMemory<byte> Headers)
{
    /// <summary>When it was stored, in UTC, to the microsecond. Never decreases along checkpoints; nothing is decided by it.</summary>
    public DateTimeOffset Stamp
    {
        get => new(StampTicks, TimeSpan.Zero);
        init => StampTicks = value.UtcTicks;
    }

    /// <summary>The revision of its last event.</summary>
    public Revision LastRevision => FirstRevision + (EventCount - 1);

    /// <summary>The checkpoint of its last event.</summary>
    public Checkpoint LastCheckpoint => FirstCheckpoint + (EventCount - 1);

    /// <summary>The unit that it was stored in; a unit of its own for a commit of one stream.</summary>
    public UnitPlace Unit
    {
        get => field.Size == 0 ? new UnitPlace(FirstCheckpoint, 1) : field;
        init;
    }

    // Half as large as the stamp: a page may have a commit for each event.
    private long StampTicks { get; init; } = Stamp.UtcTicks;

    /// <summary>The stamp of a commit stored now: UTC, cut to the microsecond, never before the newest stamp of the store.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="newest">The newest stamp of the store; default for none.</param>
    /// <param name="given">The stamp of an imported commit; null for the clock's.</param>
    public static DateTimeOffset NextStamp(TimeProvider time, DateTimeOffset newest, DateTimeOffset? given = null)
    {
        ArgumentNullException.ThrowIfNull(time);
        var ticks = (given ?? time.GetUtcNow()).UtcTicks;
        return new DateTimeOffset(Math.Max(newest.UtcTicks, ticks - (ticks % TimeSpan.TicksPerMicrosecond)), TimeSpan.Zero);
    }
}
