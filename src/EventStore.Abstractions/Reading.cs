using EventStore.Engines;

namespace EventStore;

/// <summary>In which order a read answers.</summary>
public enum ReadDirection
{
    /// <summary>Oldest first.</summary>
    Forward,

    /// <summary>Newest first: exactly the reverse.</summary>
    Backward,
}

/// <summary>When bodies are deserialized.</summary>
public enum EventDecoding
{
    /// <summary>
    /// While reading: a body that cannot be read fails the read at its place. A read of the whole store decodes ahead of its reader, beside it.
    /// </summary>
    Eager,

    /// <summary>When <see cref="CommittedEvent.Body"/> is first asked for; reading only bytes then costs no decoding.</summary>
    OnDemand,
}

/// <summary>Which events of the store are meant. Every condition left out matches all; those given must all hold.</summary>
public record EventFilter
{
    private readonly HashSet<string>? eventTypes;

    /// <summary>Matches everything.</summary>
    public static EventFilter Everything { get; } = new();

    /// <summary>Only this bucket; null for all.</summary>
    public string? Bucket { get; init; }

    /// <summary>Only this category; null for all. The empty string means streams without one.</summary>
    public string? Category { get; init; }

    /// <summary>Only streams of this id; null for all.</summary>
    public string? Id { get; init; }

    /// <summary>Only events of these types; null for all. An empty collection matches nothing.</summary>
    public IReadOnlyCollection<string>? EventTypes
    {
        get => eventTypes;
        init => eventTypes = value?.ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>Only commits stamped at or after this instant; null for all. Clocks being what they are, an approximation.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Whether an event is meant: the one definition of what the conditions mean.</summary>
    public bool Matches(in RecordedEvent recorded) =>
        MatchesCommit(recorded.Commit) && (eventTypes is null || eventTypes.Contains(recorded.Record.EventType));

    /// <summary>Whether events of a commit can be meant, their types apart.</summary>
    public bool MatchesCommit(CommitRecord commit)
    {
        ArgumentNullException.ThrowIfNull(commit);
        return (Bucket is null || Bucket == commit.Stream.Bucket)
            && (Category is null || Category == commit.Stream.Category)
            && (Id is null || Id == commit.Stream.Id)
            && (Since is null || commit.Stamp >= Since);
    }
}

/// <summary>A filter with the part of the store it applies to and the order of the answer.</summary>
public sealed record EventQuery : EventFilter
{
    /// <summary>Only events after this checkpoint, which is not itself included. Default: from the origin.</summary>
    public Checkpoint After { get; init; }

    /// <summary>Only events up to this checkpoint, included. Default: to the head at the time the read starts.</summary>
    public Checkpoint UpTo { get; init; } = Checkpoint.Max;

    /// <summary>Oldest or newest first. Default: oldest.</summary>
    public ReadDirection Direction { get; init; }
}
