using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace EventStore.Diagnostics;

/// <summary>The one activity source and the one meter, both named "EventStore". Neither ever carries a payload or a header.</summary>
internal sealed class Telemetry(string engine)
{
    private static readonly ActivitySource Source = new("EventStore");
    private static readonly Meter Meter = new("EventStore");

    private static readonly Counter<long> CommitCount = Meter.CreateCounter<long>("eventstore.commits", "{commit}", "Commits stored");
    private static readonly Counter<long> EventCount = Meter.CreateCounter<long>("eventstore.events", "{event}", "Events stored");
    private static readonly Counter<long> ConflictCount = Meter.CreateCounter<long>("eventstore.conflicts", "{commit}", "Commits refused because the stream was not as expected");
    private static readonly Counter<long> DuplicateCount = Meter.CreateCounter<long>("eventstore.duplicates", "{commit}", "Commits that were already stored");
    private static readonly Histogram<int> BatchSize = Meter.CreateHistogram<int>("eventstore.batch.size", "{commit}", "Commits handed to the engine at once");
    private static readonly Histogram<double> BatchDuration = Meter.CreateHistogram<double>("eventstore.batch.duration", "s", "Time the engine took for a batch");
    private static readonly Histogram<double> CommitDuration = Meter.CreateHistogram<double>("eventstore.commit.duration", "s", "Time from asking for a commit to its outcome");
    private static readonly Counter<long> EventsRead = Meter.CreateCounter<long>("eventstore.events.read", "{event}", "Events read");
    private static readonly Counter<long> DispatchCount = Meter.CreateCounter<long>("eventstore.dispatches", "{commit}", "Commits or events the bus took");
    private static readonly Counter<long> DispatchFailureCount = Meter.CreateCounter<long>("eventstore.dispatch.failures", "{commit}", "Times the bus failed");
    private static readonly UpDownCounter<long> DispatchBacklog = Meter.CreateUpDownCounter<long>("eventstore.dispatch.backlog", "{event}", "Events stored here and not yet dispatched");

    private static readonly UpDownCounter<long> ConsumerLagSum = Meter.CreateUpDownCounter<long>("eventstore.consumer.lag", "{event}", "Places of its source that lie before a consumer");

    private long lastBacklog;
    private readonly KeyValuePair<string, object?> tag = new("eventstore.engine", engine);

    public static Activity? StartCommit(StreamId stream, int events)
    {
        if (!Source.HasListeners()) return null;
        return Source.StartActivity("EventStore.Commit")?.SetTag("eventstore.stream", stream.ToString()).SetTag("eventstore.events", events);
    }

    public static Activity? StartRead(string what) => Source.HasListeners() ? Source.StartActivity("EventStore.Read")?.SetTag("eventstore.read", what) : null;

    public static Activity? StartDispatch(StreamId stream) =>
        Source.HasListeners() ? Source.StartActivity("EventStore.Dispatch")?.SetTag("eventstore.stream", stream.ToString()) : null;

    public static long CommitStarted() => CommitDuration.Enabled ? Stopwatch.GetTimestamp() : 0;

    public void Committed(int events, long started)
    {
        CommitCount.Add(1, tag);
        EventCount.Add(events, tag);
        if (started != 0) CommitDuration.Record(Stopwatch.GetElapsedTime(started).TotalSeconds, tag);
    }

    public void Conflicted() => ConflictCount.Add(1, tag);

    public void Duplicated() => DuplicateCount.Add(1, tag);

    public static long BatchStarted() => BatchDuration.Enabled ? Stopwatch.GetTimestamp() : 0;

    public void BatchDone(int commits, long started)
    {
        BatchSize.Record(commits, tag);
        if (started != 0) BatchDuration.Record(Stopwatch.GetElapsedTime(started).TotalSeconds, tag);
    }

    public void Read(int events) => EventsRead.Add(events, tag);

    public void Dispatched() => DispatchCount.Add(1, tag);

    public void DispatchFailed() => DispatchFailureCount.Add(1, tag);

    /// <summary>The lag of a consumer, told with its name; 0 once it ends.</summary>
    public ConsumerLag LagOf(string consumer) => new(lag => ConsumerLagSum.Add(lag, tag, new("eventstore.consumer", consumer)));

    /// <summary>Tells how many events wait for dispatch; called by one dispatcher at a time.</summary>
    public void BacklogIs(long backlog)
    {
        DispatchBacklog.Add(backlog - lastBacklog, tag);
        lastBacklog = backlog;
    }
}

/// <summary>How many places of what a consumer consumes lie before it. Set by one thread at a time.</summary>
internal sealed class ConsumerLag(Action<long> changed)
{
    private long lag;

    public long Value
    {
        get => Volatile.Read(ref lag);
        set
        {
            if (value != lag) changed(value - lag);
            Volatile.Write(ref lag, value);
        }
    }
}
