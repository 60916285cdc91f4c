using System.ComponentModel;
using EventStore.Engines;

namespace EventStore;

/// <summary>How many events the streams of a category keep. Older ones are truncated, and cannot be read again.</summary>
public sealed class RetentionOptions
{
    /// <summary>The bucket of the streams. Default: the default bucket.</summary>
    public string Bucket { get; set; } = StreamId.DefaultBucket;

    /// <summary>How many of the newest events of each stream are kept; at least 1. Default: null, any number.</summary>
    public long? MaxEvents { get; set; }

    /// <summary>How old an event may be; more than zero. Default: null, any age.</summary>
    public TimeSpan? MaxAge { get; set; }

    /// <summary>Whether events are removed that a stream needs to be opened from its newest snapshot, with that snapshot.</summary>
    public bool IgnoresSnapshots { get; set; }

    /// <summary>Whether events are removed that are not dispatched.</summary>
    public bool IgnoresDispatch { get; set; }

    /// <summary>Whether events are removed that a durable consumer has not handled.</summary>
    public bool IgnoresConsumers { get; set; }

    /// <summary>A checked copy.</summary>
    /// <exception cref="InvalidOptionException">A value is out of its range, or there is neither a number nor an age.</exception>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public RetentionOptions Validated()
    {
        OptionRules.Require(this, MaxEvents is null or >= 1, MaxEvents, "at least 1, or null");
        OptionRules.Require(this, MaxAge is null || MaxAge > TimeSpan.Zero, MaxAge, "more than zero, or null");
        OptionRules.Require(this, MaxEvents is not null || MaxAge is not null, MaxEvents, "set, or MaxAge must be");
        _ = StreamId.RequireBucket(Bucket);
        return (RetentionOptions)MemberwiseClone();
    }
}

/// <summary>Truncates streams as the policies of the wireup say. The store also does this by itself, at an interval.</summary>
public interface IRetention
{
    /// <summary>
    /// Applies all policies once. Unless a policy says otherwise, what a snapshot, the dispatcher or a durable consumer still needs stays.
    /// </summary>
    ValueTask<RetentionReport> ApplyAsync(CancellationToken cancellationToken = default);
}

/// <summary>What an application of the retention policies did.</summary>
/// <param name="Streams">How many streams were truncated.</param>
/// <param name="Events">How many events were removed.</param>
/// <param name="HeldBackBy">
/// What kept events that a policy would have removed: "snapshots", "dispatch", or "consumer 'name'". Empty where nothing did.
/// </param>
public sealed record RetentionReport(long Streams, long Events, IReadOnlyList<string> HeldBackBy);
