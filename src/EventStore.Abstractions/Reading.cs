using System.ComponentModel;
using EventStore.Engines;

namespace EventStore;

/// <summary>The order in which a read returns events.</summary>
public enum ReadDirection
{
    /// <summary>Oldest first.</summary>
    Forward,

    /// <summary>Newest first: exactly the reverse order.</summary>
    Backward,
}

/// <summary>When bodies are deserialized.</summary>
public enum EventDecoding
{
    /// <summary>
    /// While reading. A body that cannot be read fails the read at its place. A read of the whole store decodes ahead of its reader, in
    /// parallel.
    /// </summary>
    Eager,

    /// <summary>When <see cref="CommittedEvent.Body"/> is first read; reading only bytes then needs no decoding.</summary>
    OnDemand,
}

/// <summary>
/// Selects events of the store. A property that is null matches all events; all others must match. A name that is too long or ill-formed
/// is refused with <see cref="InvalidNameException"/>.
/// </summary>
public record EventFilter
{
    private readonly HashSet<string>? eventTypes;

    /// <summary>Matches everything.</summary>
    public static EventFilter Everything { get; } = new();

    /// <summary>Only this bucket; null for all.</summary>
    /// <exception cref="InvalidNameException">It is empty, too long or ill-formed.</exception>
    public string? Bucket
    {
        get;
        init => field = value is null ? null : StreamId.RequireBucket(value);
    }

    /// <summary>Only this category; null for all. The empty string means streams without a category.</summary>
    /// <exception cref="InvalidNameException">It is too long or ill-formed.</exception>
    public string? Category
    {
        get;
        init => field = value is null ? null : StreamId.RequireCategory(value);
    }

    /// <summary>Only streams of this id; null for all.</summary>
    /// <exception cref="InvalidNameException">It is empty, too long or ill-formed.</exception>
    public string? Id
    {
        get;
        init => field = value is null ? null : StreamId.RequireId(value);
    }

    /// <summary>
    /// Only events of these types; null for all. An empty collection matches nothing. A store also finds the events stored under older
    /// names that are converted into one of these while reading.
    /// </summary>
    /// <exception cref="InvalidNameException">A name is empty, too long or ill-formed.</exception>
    public IReadOnlyCollection<string>? EventTypes
    {
        get => eventTypes;
        init => eventTypes = value?.Select(EventRecord.RequireType).ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>Only commits stamped at or after this instant; null for all. An approximation, as clocks may be wrong.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Only events that match these criteria; null for all. Reading them costs what they select, not the store.</summary>
    public EventCriteria? Criteria { get; init; }

    /// <summary>Whether an event matches. This defines the meaning of the properties.</summary>
    public bool Matches(RecordedEvent recorded) =>
        MatchesCommit(recorded.Commit)
        && (eventTypes is null || eventTypes.Contains(recorded.Record.EventType))
        && (Criteria is null || Criteria.Matches(recorded));

    /// <summary>A filter that matches at least what both match. Where both ask for something, this one's value is kept.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public EventFilter Narrow(EventFilter other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return new()
        {
            Bucket = Bucket ?? other.Bucket,
            Category = Category ?? other.Category,
            Id = Id ?? other.Id,
            EventTypes = EventTypes ?? other.EventTypes,
            Since = Since ?? other.Since,
            Criteria = Criteria ?? other.Criteria,
        };
    }

    /// <summary>Whether events of a commit can match, except for their types and criteria.</summary>
    public bool MatchesCommit(CommitRecord commit)
    {
        ArgumentNullException.ThrowIfNull(commit);
        return (Bucket is null || Bucket == commit.Stream.Bucket)
            && (Category is null || Category == commit.Stream.Category)
            && (Id is null || Id == commit.Stream.Id)
            && (Since is null || commit.Stamp >= Since);
    }
}

/// <summary>A filter, with a range of the store and an order.</summary>
public sealed record EventQuery : EventFilter
{
    /// <summary>Only events after this checkpoint, which is not itself included. Default: from the origin.</summary>
    public Checkpoint After { get; init; }

    /// <summary>Only events up to this checkpoint, included. Default: to the head at the time the read starts.</summary>
    public Checkpoint UpTo { get; init; } = Checkpoint.Max;

    /// <summary>Oldest or newest first. Default: oldest.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is neither of the two.</exception>
    public ReadDirection Direction
    {
        get;
        init => field = OptionRules.RequireDefined(value, nameof(Direction));
    }

    /// <summary>
    /// A further condition, on headers or bodies for example; null for none. The engine applies the part that it can, the store the rest.
    /// </summary>
    public EventPredicate? Condition { get; init; }
}
