using System.ComponentModel;
using EventStore.Engines;

namespace EventStore;

/// <summary>What a consumer reads.</summary>
public sealed record ConsumerSource
{
    private ConsumerSource()
    {
    }

    /// <summary>Every event of the store.</summary>
    public static ConsumerSource Everything { get; } = new();

    /// <summary>The stream, where one stream is consumed.</summary>
    public StreamId? Stream { get; private init; }

    /// <summary>The name of the read stream, where one is consumed.</summary>
    public string? ReadStream { get; private init; }

    /// <summary>The filter of the store's events, where neither a stream nor a read stream is consumed.</summary>
    public EventFilter Filter { get; private init; } = EventFilter.Everything;

    /// <summary>A further condition on them; null for none.</summary>
    public EventPredicate? Condition { get; private init; }

    /// <summary>
    /// One stream, which need not exist yet. If it is deleted and created again, the new one is consumed from its beginning.
    /// </summary>
    public static ConsumerSource OfStream(StreamId stream)
    {
        _ = stream.Id;
        return new() { Stream = stream, Filter = new EventFilter { Bucket = stream.Bucket, Category = stream.Category, Id = stream.Id } };
    }

    /// <summary>All streams of a category, in one bucket or in all of them.</summary>
    /// <exception cref="InvalidNameException">A name is empty, too long or ill-formed.</exception>
    public static ConsumerSource OfCategory(string category, string? bucket = null)
    {
        ArgumentNullException.ThrowIfNull(category);
        return new() { Filter = new EventFilter { Category = category, Bucket = bucket } };
    }

    /// <summary>All streams of a bucket.</summary>
    /// <exception cref="InvalidNameException">The name is empty, too long or ill-formed.</exception>
    public static ConsumerSource OfBucket(string bucket)
    {
        ArgumentNullException.ThrowIfNull(bucket);
        return new() { Filter = new EventFilter { Bucket = bucket } };
    }

    /// <summary>The events that match a filter, which the engine applies.</summary>
    /// <exception cref="ArgumentException">The filter is a query, whose range, order or condition a consumer would not follow.</exception>
    public static ConsumerSource Matching(EventFilter filter)
    {
        ArgumentNullException.ThrowIfNull(filter);
        if (filter is EventQuery)
            throw new ArgumentException(
                "A query has a range, an order and a condition, which a consumer does not follow. Pass an EventFilter, or a condition.",
                nameof(filter));
        return new() { Filter = filter };
    }

    /// <summary>The events for which a condition holds. The engine applies the part that it can.</summary>
    public static ConsumerSource Matching(EventPredicate condition)
    {
        ArgumentNullException.ThrowIfNull(condition);
        return new() { Filter = condition.Narrowed, Condition = condition };
    }

    /// <summary>A read stream, which must exist.</summary>
    /// <exception cref="InvalidNameException">The name is empty, takes more than 900 bytes in UTF-8, or is ill-formed.</exception>
    public static ConsumerSource OfReadStream(string name) => new() { ReadStream = Names.RequireFeature(name, "name") };
}

/// <summary>
/// Where a consumer begins when it is started for the first time under its name. A place that is not stored yet is waited for: delivery
/// begins with the first event after it.
/// </summary>
public readonly record struct ConsumerStart
{
    /// <summary>At the oldest event: the default.</summary>
    public static ConsumerStart Origin => default;

    /// <summary>After all events stored at that moment.</summary>
    public static ConsumerStart Current { get; } = new() { IsCurrent = true };

    /// <summary>Whether it begins after all events stored at that moment.</summary>
    public bool IsCurrent { get; private init; }

    /// <summary>It begins after this checkpoint; 0 for the origin.</summary>
    public Checkpoint Checkpoint { get; private init; }

    /// <summary>It begins after this revision of its stream or read stream; 0 for the origin.</summary>
    public Revision Revision { get; private init; }

    /// <summary>After a checkpoint, which is not itself delivered, and need not be stored yet.</summary>
    public static ConsumerStart AfterCheckpoint(Checkpoint checkpoint) => new() { Checkpoint = checkpoint };

    /// <summary>
    /// After a revision of the stream or read stream that is consumed, which is not itself delivered, and need not be stored yet. Other
    /// sources have no revisions and are refused.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The revision is above 2^62.</exception>
    public static ConsumerStart AfterRevision(Revision revision)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(revision.Value, 1L << 62, nameof(revision));
        return new() { Revision = revision };
    }
}

/// <summary>What happens to an event whose handler failed for the last time.</summary>
public enum FailureAction
{
    /// <summary>
    /// The consumer stops before the event, and its completion carries the failure. Started again, it begins with that event.
    /// </summary>
    Stop,

    /// <summary>The event is parked, and the consumer continues. The application lists and replays parked events.</summary>
    Park,

    /// <summary>The event is skipped, which is logged and counted.</summary>
    Skip,
}

/// <summary>What a start does while the consumer runs elsewhere, in this process or another one.</summary>
public enum WhenTaken
{
    /// <summary>
    /// It fails with <see cref="ConsumerTakenException"/>: at once if this process runs the consumer. Another holder is watched until it
    /// renews its lease, which takes a third of its <see cref="ConsumerOptions.LeaseTerm"/>. After the own term it counts as dead. A holder
    /// that is known to be dead is replaced at once.
    /// </summary>
    Fail,

    /// <summary>It waits until the other consumer stops or dies, and takes over.</summary>
    Wait,
}

/// <summary>What the events of a batch have in common.</summary>
public enum BatchGrouping
{
    /// <summary>They follow one another; nothing else.</summary>
    None,

    /// <summary>One stream and one correlation id (<see cref="EventHeaders.CorrelationId"/>, or none).</summary>
    ByStreamAndCorrelation,
}

/// <summary>How a consumer works.</summary>
public sealed class ConsumerOptions
{
    private static readonly TimeSpan ShortestWait = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan ShortestTerm = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan ShortestStop = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// Where it begins; used at its first start only, and kept: a state of another schema version is computed from there. Default: the
    /// origin.
    /// </summary>
    public ConsumerStart StartFrom { get; set; }

    /// <summary>
    /// After how many handled events the position is written, at the latest; it is also written when all events are handled. Default 100.
    /// Beyond 64 KiB, position and state are written so many times less often as they are larger than that.
    /// </summary>
    public int EventsPerCheckpoint { get; set; } = 100;

    /// <summary>
    /// The longest time after which the position of a handled event is written. Default 1 s, at least 1 ms. Longer with a state above
    /// 64 KiB, as for <see cref="EventsPerCheckpoint"/>.
    /// </summary>
    public TimeSpan CheckpointInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How many pulled events at most are delivered and not acknowledged. Default 1,000.</summary>
    public int Window { get; set; } = 1000;

    /// <summary>How many events a batch has at most, where batches are handled. Default 100.</summary>
    public int BatchSize { get; set; } = 100;

    /// <summary>What the events of a batch have in common. Default: nothing.</summary>
    public BatchGrouping Grouping { get; set; }

    /// <summary>
    /// How many streams may be handled at once; the events of one stream keep their order. Default 1. A consumer with state has 1.
    /// </summary>
    public int Parallelism { get; set; } = 1;

    /// <summary>How often a failed event is tried again. Null, the default: until it succeeds.</summary>
    public int? MaxRetries { get; set; }

    /// <summary>What happens to an event that failed for the last time. Default: the consumer stops.</summary>
    public FailureAction FailureAction { get; set; }

    /// <summary>The wait before the first retry; it doubles with each further one. Default 100 ms, at least 1 ms.</summary>
    public TimeSpan FirstRetryDelay { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The longest wait between two tries. Default 30 s.</summary>
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>What a start does while the name is taken. Default: it fails. A consumer that runs waits out every outage.</summary>
    public WhenTaken WhenTaken { get; set; }

    /// <summary>
    /// After how long without a renewal of the lease another process takes over, where it is unknown whether the holder lives. Default
    /// 15 s, at least 50 ms.
    /// </summary>
    public TimeSpan LeaseTerm { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>The longest wait for a signal before it reads again. Default 1 s, at least 1 ms.</summary>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long disposing waits for a handler that is running and was cancelled; then it throws <see cref="NotStoppedException"/>. Default
    /// 30 s; at least 100 ms.
    /// </summary>
    public TimeSpan StopTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Called when all stored events are delivered: the first time, and again each time after new events. Null for none. An exception of
    /// this and the other callbacks is logged, and the consumer goes on.
    /// </summary>
    public Action? OnCaughtUp { get; set; }

    /// <summary>Called when all delivered events are acknowledged and there are no further ones. Null for none.</summary>
    public Action? OnIdle { get; set; }

    /// <summary>Called after a position, with its state, was written. Null for none.</summary>
    public Action<Checkpoint>? OnPersisted { get; set; }

    /// <summary>Checks every value, and returns a copy.</summary>
    /// <exception cref="InvalidOptionException">A value is out of its range; the message names it.</exception>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public ConsumerOptions Validated()
    {
        OptionRules.Require(this, EventsPerCheckpoint >= 1, EventsPerCheckpoint, "at least 1");
        OptionRules.RequireAtLeast(this, CheckpointInterval, ShortestWait);
        OptionRules.Require(this, Window >= 1, Window, "at least 1");
        OptionRules.Require(this, BatchSize >= 1, BatchSize, "at least 1");
        OptionRules.RequireBetween(this, Parallelism, 1, 1024);
        OptionRules.Require(this, MaxRetries is null or >= 0, MaxRetries, "at least 0, or null for no limit");
        OptionRules.RequireAtLeast(this, FirstRetryDelay, ShortestWait);
        OptionRules.Require(
            this, MaxRetryDelay >= FirstRetryDelay, MaxRetryDelay, $"at least {nameof(FirstRetryDelay)}, which is {FirstRetryDelay}");
        OptionRules.RequirePositive(this, MaxRetryDelay);
        OptionRules.RequireAtLeast(this, LeaseTerm, ShortestTerm);
        OptionRules.Require(this, Enum.IsDefined(FailureAction), FailureAction, "a member of its enumeration");
        OptionRules.Require(this, Enum.IsDefined(WhenTaken), WhenTaken, "a member of its enumeration");
        OptionRules.Require(this, Enum.IsDefined(Grouping), Grouping, "a member of its enumeration");
        OptionRules.RequireAtLeast(this, PollInterval, ShortestWait);
        OptionRules.RequireAtLeast(this, StopTimeout, ShortestStop);
        return (ConsumerOptions)MemberwiseClone();
    }
}
