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

/// <summary>Selects events of the store. A property that is null matches all events; all others must match.</summary>
public record EventFilter
{
    private readonly HashSet<string>? eventTypes;

    /// <summary>Matches everything.</summary>
    public static EventFilter Everything { get; } = new();

    /// <summary>Only this bucket; null for all.</summary>
    public string? Bucket { get; init; }

    /// <summary>Only this category; null for all. The empty string means streams without a category.</summary>
    public string? Category { get; init; }

    /// <summary>Only streams of this id; null for all.</summary>
    public string? Id { get; init; }

    /// <summary>Only events of these types; null for all. An empty collection matches nothing.</summary>
    public IReadOnlyCollection<string>? EventTypes
    {
        get => eventTypes;
        init => eventTypes = value?.ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>Only commits stamped at or after this instant; null for all. An approximation, as clocks may be wrong.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Only events that match these criteria; null for all. Reading them costs what they select, not the store.</summary>
    public EventCriteria? Criteria { get; init; }

    /// <summary>Whether an event matches. This defines the meaning of the properties.</summary>
    public bool Matches(in RecordedEvent recorded) =>
        MatchesCommit(recorded.Commit)
        && (eventTypes is null || eventTypes.Contains(recorded.Record.EventType))
        && (Criteria is null || Criteria.Matches(recorded));

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
    public ReadDirection Direction { get; init; }
}
