namespace EventStore.Engines;

/// <summary>A commit as passed to an engine: events of one stream that are stored together or not at all.</summary>
public sealed class CommitAttempt
{
    /// <summary>Creates an attempt.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="commitId">The commit's id, by which the attempt can be repeated without storing twice.</param>
    /// <param name="expected">The expected revision of the stream.</param>
    /// <param name="headers">The commit's headers, encoded; empty for none.</param>
    /// <param name="events">At least one event.</param>
    /// <exception cref="ArgumentException">
    /// There are no events, one of them is default(EventRecord), or the commit id is all zeros.
    /// </exception>
    public CommitAttempt(
        StreamId stream, Guid commitId, ExpectedRevision expected, ReadOnlyMemory<byte> headers, IReadOnlyList<EventRecord> events)
    {
        ArgumentNullException.ThrowIfNull(events);
        if (events.Count == 0) throw new ArgumentException("A commit has at least one event.", nameof(events));
        if (commitId == Guid.Empty) throw new ArgumentException("A commit id is not all zeros.", nameof(commitId));

        Stream = stream;
        CommitId = commitId;
        Expected = expected;
        Headers = headers;
        Events = events;

        long size = headers.Length + stream.Id.Length;
        for (var i = 0; i < events.Count; i++)
        {
            if (events[i].EventType is null)
                throw new ArgumentException($"Event {i} is default(EventRecord), which is no event.", nameof(events));
            size += events[i].Body.Length + events[i].Headers.Length;
        }

        SizeBytes = size;
    }

    /// <summary>The stream.</summary>
    public StreamId Stream { get; }

    /// <summary>The commit's id, unique in its stream.</summary>
    public Guid CommitId { get; }

    /// <summary>The expected revision of the stream.</summary>
    public ExpectedRevision Expected { get; }

    /// <summary>The commit's headers, encoded.</summary>
    public ReadOnlyMemory<byte> Headers { get; }

    /// <summary>The events, in order.</summary>
    public IReadOnlyList<EventRecord> Events { get; }

    /// <summary>Bytes of all bodies and headers, to be compared with limits.</summary>
    public long SizeBytes { get; }
}

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

    // Half as large as the stamp: a page may have a commit for each event.
    private long StampTicks { get; init; } = Stamp.UtcTicks;

    /// <summary>The stamp of a commit stored now: UTC, cut to the microsecond, never before the newest stamp of the store.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="newest">The newest stamp of the store; default for none.</param>
    public static DateTimeOffset NextStamp(TimeProvider time, DateTimeOffset newest)
    {
        ArgumentNullException.ThrowIfNull(time);
        var ticks = time.GetUtcNow().UtcTicks;
        return new DateTimeOffset(Math.Max(newest.UtcTicks, ticks - (ticks % TimeSpan.TicksPerMicrosecond)), TimeSpan.Zero);
    }
}

/// <summary>The kind of an outcome.</summary>
public enum CommitOutcomeKind
{
    /// <summary>It is stored.</summary>
    Committed,

    /// <summary>The stream is at another revision than expected; nothing of the attempt is stored.</summary>
    Conflict,

    /// <summary>The stream already holds a commit of this id; nothing was stored again.</summary>
    Duplicate,
}

/// <summary>The outcome of one attempt of a batch.</summary>
public readonly struct CommitOutcome
{
    private CommitOutcome(CommitOutcomeKind kind, CommitRecord? commit, Revision actual) => (Kind, Commit, Actual) = (kind, commit, actual);

    /// <summary>What happened.</summary>
    public CommitOutcomeKind Kind { get; }

    /// <summary>The stored commit; for a duplicate the original one; null for a conflict.</summary>
    public CommitRecord? Commit { get; }

    /// <summary>The current revision of the stream, for a conflict.</summary>
    public Revision Actual { get; }

    /// <summary>The attempt is stored as this commit.</summary>
    public static CommitOutcome Committed(CommitRecord commit) => new(CommitOutcomeKind.Committed, commit, default);

    /// <summary>The stream is at another revision than expected.</summary>
    public static CommitOutcome Conflict(Revision actual) => new(CommitOutcomeKind.Conflict, null, actual);

    /// <summary>The commit id is known in this stream; the commit is the one stored under it.</summary>
    public static CommitOutcome Duplicate(CommitRecord original) => new(CommitOutcomeKind.Duplicate, original, default);
}
