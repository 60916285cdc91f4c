using EventStore.Engines;

namespace EventStore;

/// <summary>
/// When snapshots of a state are taken: as soon as one of the limits is reached, after the commit that reached it. Without a limit, they
/// are only read. The type of the state is registered like an event type.
/// </summary>
public sealed record SnapshotPolicy
{
    /// <summary>After how many events since the last one; null for no such limit. At least 1.</summary>
    /// <exception cref="InvalidOptionException">It is less than 1.</exception>
    public long? EveryEvents
    {
        get;
        init => field = RequirePositive(value, nameof(EveryEvents));
    }

    /// <summary>After how many bytes of event bodies since the last one; null for no such limit. At least 1.</summary>
    /// <exception cref="InvalidOptionException">It is less than 1.</exception>
    public long? EveryBytes
    {
        get;
        init => field = RequirePositive(value, nameof(EveryBytes));
    }

    /// <summary>
    /// How much older than the newest event the oldest event may be that is not in a snapshot; null for no such limit. Above zero.
    /// </summary>
    /// <exception cref="InvalidOptionException">It is zero or negative.</exception>
    public TimeSpan? MaxAge
    {
        get;
        init
        {
            if (value is { } age) OptionRules.RequirePositive(this, age, nameof(MaxAge));
            field = value;
        }
    }

    /// <summary>
    /// The version of the form of the state; 0 or higher. Raise it when the form changes: then older snapshots are not used, and all events
    /// are read until a new one is taken.
    /// </summary>
    /// <exception cref="InvalidOptionException">It is negative.</exception>
    public int SchemaVersion
    {
        get;
        init
        {
            OptionRules.RequireBetween(this, value, 0, int.MaxValue, nameof(SchemaVersion));
            field = value;
        }
    }

    /// <summary>A snapshot after every so many events.</summary>
    public static SnapshotPolicy Every(long events, int schemaVersion = 0) => new() { EveryEvents = events, SchemaVersion = schemaVersion };

    /// <summary>Whether a snapshot of a state is due.</summary>
    internal bool IsDue<TState>(FoldedState<TState> folded) where TState : notnull =>
        folded.EventsSinceSnapshot >= EveryEvents
        || folded.BytesSinceSnapshot >= EveryBytes
        || folded.NewestSinceSnapshot - folded.OldestSinceSnapshot >= MaxAge;

    private long? RequirePositive(long? value, string property)
    {
        if (value is { } limit) OptionRules.RequireBetween(this, limit, 1, long.MaxValue, property);
        return value;
    }
}
