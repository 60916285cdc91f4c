using System.Collections.Frozen;
using EventStore.Engines;

namespace EventStore;

/// <summary>
/// A commit of another store, as it is imported. Records are stored as they are. Messages are encoded by this store, with its serializer,
/// compression and encryption.
/// </summary>
public sealed class ImportCommit
{
    /// <summary>Creates a commit of bytes, which are stored unchanged.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="commitId">The commit's id.</param>
    /// <param name="stamp">When the source stored it.</param>
    /// <param name="events">The events that the source still has, in order.</param>
    public ImportCommit(StreamId stream, Guid commitId, DateTimeOffset stamp, IReadOnlyList<EventRecord> events)
        : this(stream, commitId, stamp)
    {
        ArgumentNullException.ThrowIfNull(events);
        Records = events;
    }

    /// <summary>Creates a commit of messages, which this store encodes.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="commitId">The commit's id.</param>
    /// <param name="stamp">When the source stored it.</param>
    /// <param name="events">The events that the source still has, in order.</param>
    public ImportCommit(StreamId stream, Guid commitId, DateTimeOffset stamp, IReadOnlyList<EventMessage> events)
        : this(stream, commitId, stamp)
    {
        ArgumentNullException.ThrowIfNull(events);
        Messages = events;
    }

    private ImportCommit(StreamId stream, Guid commitId, DateTimeOffset stamp)
    {
        _ = stream.Id;
        if (commitId == Guid.Empty) throw new ArgumentException("A commit id is not all zeros.", nameof(commitId));
        (Stream, CommitId, Stamp) = (stream, commitId, stamp);
    }

    /// <summary>The stream.</summary>
    public StreamId Stream { get; }

    /// <summary>The commit's id.</summary>
    public Guid CommitId { get; }

    /// <summary>When the source stored it. Kept to the microsecond.</summary>
    public DateTimeOffset Stamp { get; }

    /// <summary>The events as bytes; empty where they are messages.</summary>
    public IReadOnlyList<EventRecord> Records { get; } = [];

    /// <summary>The events as messages; empty where they are bytes.</summary>
    public IReadOnlyList<EventMessage> Messages { get; } = [];

    /// <summary>The commit's headers as they are stored; empty for none. Ignored where <see cref="Headers"/> has any.</summary>
    public ReadOnlyMemory<byte> EncodedHeaders { get; init; }

    /// <summary>The commit's headers, which this store encodes; empty for none.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = FrozenDictionary<string, string>.Empty;

    /// <summary>The checkpoint that the source gave the first event. A mirror needs it. 0 where it is not known.</summary>
    public Checkpoint FirstCheckpoint { get; init; }

    /// <summary>The revision that the source gave the first event, which a mirror keeps or refuses. 0 where it is not known.</summary>
    public Revision FirstRevision { get; init; }

    /// <summary>
    /// How many events the source truncated at the beginning of the commit. A mirror fills their places; a merge leaves them out.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public int MissingEvents
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            field = value;
        }
    }

    /// <summary>How many events the commit had in the source.</summary>
    public int EventCount => MissingEvents + Records.Count + Messages.Count;

    /// <summary>The checkpoint that the source gave the last event; 0 where it is not known.</summary>
    public Checkpoint LastCheckpoint =>
        FirstCheckpoint == Checkpoint.Origin ? Checkpoint.Origin : FirstCheckpoint + (Math.Max(1, EventCount) - 1);

    /// <summary>A commit of bytes, from the events that an engine returned of it.</summary>
    /// <param name="events">All events of the commit that are not truncated, in order; at least one.</param>
    /// <exception cref="ArgumentException">There are none, or not all up to the end of one commit.</exception>
    public static ImportCommit Of(IReadOnlyList<RecordedEvent> events)
    {
        ArgumentNullException.ThrowIfNull(events);
        if (events.Count == 0) throw new ArgumentException("A commit has at least one event.", nameof(events));
        var commit = events[0].Commit;
        RequireEnd(events[0].IndexInCommit + events.Count == commit.EventCount, nameof(events));
        return new ImportCommit(commit.Stream, commit.CommitId, commit.Stamp, events.Select(recorded => recorded.Record).ToArray())
        {
            EncodedHeaders = commit.Headers,
            FirstCheckpoint = commit.FirstCheckpoint,
            FirstRevision = commit.FirstRevision,
            MissingEvents = events[0].IndexInCommit,
        };
    }

    /// <summary>
    /// A commit of messages, from the events that a store returned of it: decrypted and decompressed, under their stored names, and not
    /// upconverted.
    /// </summary>
    /// <param name="events">All events of the commit that are not truncated, in order; at least one.</param>
    /// <exception cref="ArgumentException">There are none, or not all up to the end of one commit.</exception>
    public static ImportCommit Of(IReadOnlyList<CommittedEvent> events)
    {
        ArgumentNullException.ThrowIfNull(events);
        if (events.Count == 0) throw new ArgumentException("A commit has at least one event.", nameof(events));
        var first = events[0];
        RequireEnd(first.IndexInCommit + events.Count == first.CommitEventCount, nameof(events));
        return new ImportCommit(first.Stream, first.CommitId, first.Stamp, events.Select(MessageOf).ToArray())
        {
            Headers = first.CommitHeaders,
            FirstCheckpoint = new Checkpoint(first.Checkpoint.Value - first.IndexInCommit),
            FirstRevision = new Revision(first.Revision.Value - first.IndexInCommit),
            MissingEvents = first.IndexInCommit,
        };
    }

    private static EventMessage MessageOf(CommittedEvent committed) => new(
        new UnknownEvent(committed.StoredEventType, committed.Payload), committed.Headers, committed.EventId, committed.Tags);

    private static void RequireEnd(bool isWhole, string parameter)
    {
        if (!isWhole)
            throw new ArgumentException(
                "These are not all events up to the end of one commit. Pass what was read of a whole commit.", parameter);
    }
}
