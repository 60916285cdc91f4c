namespace EventStore.Engines;

/// <summary>
/// A commit as passed to an engine: events of one stream, or of several, that are stored together or not at all.
/// </summary>
public sealed class CommitAttempt
{
    private readonly long eventBytes;

    /// <summary>Creates an attempt, which expects nothing of its stream.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="commitId">The commit's id, by which the attempt can be repeated without storing twice.</param>
    /// <param name="events">At least one event.</param>
    /// <exception cref="ArgumentException">
    /// There are no events, one of them is default(EventRecord), or the commit id is all zeros.
    /// </exception>
    public CommitAttempt(StreamId stream, Guid commitId, IReadOnlyList<EventRecord> events)
    {
        ArgumentNullException.ThrowIfNull(events);
        if (events.Count == 0) throw new ArgumentException("A commit has at least one event.", nameof(events));
        if (commitId == Guid.Empty) throw new ArgumentException("A commit id is not all zeros.", nameof(commitId));

        Stream = stream;
        CommitId = commitId;
        Events = events;
        eventBytes = stream.Id.Length;
        for (var i = 0; i < events.Count; i++)
        {
            if (events[i].EventType is null)
                throw new ArgumentException($"Event {i} is default(EventRecord), which is no event.", nameof(events));
            eventBytes += events[i].SizeBytes;
        }
    }

    /// <summary>The stream.</summary>
    public StreamId Stream { get; }

    /// <summary>The commit's id, unique in its stream.</summary>
    public Guid CommitId { get; }

    /// <summary>The events, in order.</summary>
    public IReadOnlyList<EventRecord> Events { get; }

    /// <summary>What is expected of the stream.</summary>
    public StreamExpectation Expected { get; init; } = StreamExpectation.Any;

    /// <summary>The commit's headers, encoded; empty for none.</summary>
    public ReadOnlyMemory<byte> Headers { get; init; }

    /// <summary>What must not be stored yet; null for no condition. It never sees the events of this attempt (G52).</summary>
    public AppendCondition? Condition { get; init; }

    /// <summary>The stamp of an imported commit; null for the engine's own. The engine raises one that would decrease (G58).</summary>
    public DateTimeOffset? Stamp { get; init; }

    /// <summary>
    /// The further commits of a unit, of other streams, with the same commit id (G54). They have no condition and no further commits.
    /// Empty for a commit of one stream.
    /// </summary>
    /// <exception cref="ArgumentException">They are not as described, or a stream occurs twice.</exception>
    public IReadOnlyList<CommitAttempt> Rest
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            var streams = new HashSet<StreamId> { Stream };
            foreach (var member in value)
            {
                ArgumentNullException.ThrowIfNull(member, nameof(value));
                if (!streams.Add(member.Stream))
                    throw new ArgumentException($"A unit has one commit of each stream, but two of '{member.Stream}'.", nameof(value));
                if (member.CommitId != CommitId || member.Condition is not null || member.Rest.Count > 0)
                    throw new ArgumentException("Further commits of a unit have its commit id, and no condition or unit.", nameof(value));
            }

            field = value;
        }
    } = [];

    /// <summary>How many streams the attempt stores to.</summary>
    public int MemberCount => 1 + Rest.Count;

    /// <summary>The number of events of all its commits.</summary>
    public int EventCount
    {
        get
        {
            var count = Events.Count;
            for (var i = 0; i < Rest.Count; i++) count += Rest[i].Events.Count;
            return count;
        }
    }

    /// <summary>Bytes of all bodies, headers and tags, to be compared with limits.</summary>
    public long SizeBytes
    {
        get
        {
            var size = eventBytes + Headers.Length;
            for (var i = 0; i < Rest.Count; i++) size += Rest[i].SizeBytes;
            return size;
        }
    }

    /// <summary>A commit of the attempt: itself at 0, then the further ones.</summary>
    public CommitAttempt Member(int index) => index == 0 ? this : Rest[index - 1];
}
