using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace EventStore.Diagnostics;

/// <summary>The activity source and the meter of the store, both named "EventStore". Neither ever carries a payload or a header.</summary>
internal sealed class Telemetry(string engine, TimeProvider time)
{
    // The start time if there is no listener for the duration.
    private const long NotMeasured = long.MinValue;

    private static readonly ActivitySource Source = new("EventStore");
    private static readonly Meter Meter = new("EventStore");

    private static readonly Counter<long> CommitCount = Meter.CreateCounter<long>("eventstore.commits", "{commit}", "Commits stored");
    private static readonly Counter<long> EventCount = Meter.CreateCounter<long>("eventstore.events", "{event}", "Events stored");
    private static readonly Counter<long> ConflictCount =
        Meter.CreateCounter<long>(
            "eventstore.conflicts", "{commit}", "Commits refused because the stream was not at the expected revision");
    private static readonly Counter<long> DuplicateCount =
        Meter.CreateCounter<long>("eventstore.duplicates", "{commit}", "Commits that were already stored");
    private static readonly Histogram<int> BatchSize =
        Meter.CreateHistogram<int>("eventstore.batch.size", "{commit}", "Commits sent to the engine at once");
    private static readonly Histogram<double> BatchDuration =
        Meter.CreateHistogram<double>("eventstore.batch.duration", "s", "Time the engine took for a batch");
    private static readonly Histogram<double> CommitDuration =
        Meter.CreateHistogram<double>("eventstore.commit.duration", "s", "Time from the call of a commit to its outcome");
    private static readonly Counter<long> EventsRead = Meter.CreateCounter<long>("eventstore.events.read", "{event}", "Events read");
    private static readonly Counter<long> DispatchCount =
        Meter.CreateCounter<long>("eventstore.dispatches", "{commit}", "Commits or events dispatched");
    private static readonly Counter<long> DispatchFailureCount =
        Meter.CreateCounter<long>("eventstore.dispatch.failures", "{commit}", "Failed dispatches");

    private readonly KeyValuePair<string, object?> tag = new("eventstore.engine", engine);

    /// <summary>What is measured whenever metrics are collected.</summary>
    public Gauges Gauges { get; } = new(engine);

    public static Activity? StartCommit(StreamId stream, int events)
    {
        if (!Source.HasListeners()) return null;
        return Source.StartActivity("EventStore.Commit")?.SetTag("eventstore.stream", stream.ToString())
            .SetTag("eventstore.events", events);
    }

    public static Activity? StartRead(string what) =>
        Source.HasListeners() ? Source.StartActivity("EventStore.Read")?.SetTag("eventstore.read", what) : null;

    public static Activity? StartDispatch(StreamId stream) =>
        Source.HasListeners() ? Source.StartActivity("EventStore.Dispatch")?.SetTag("eventstore.stream", stream.ToString()) : null;

    public long CommitStarted() => CommitDuration.Enabled ? time.GetTimestamp() : NotMeasured;

    public void Committed(int events, long started)
    {
        CommitCount.Add(1, tag);
        EventCount.Add(events, tag);
        if (started != NotMeasured) CommitDuration.Record(time.GetElapsedTime(started).TotalSeconds, tag);
    }

    public void Conflicted() => ConflictCount.Add(1, tag);

    public void Duplicated() => DuplicateCount.Add(1, tag);

    public long BatchStarted() => BatchDuration.Enabled ? time.GetTimestamp() : NotMeasured;

    public void BatchDone(int commits, long started)
    {
        BatchSize.Record(commits, tag);
        if (started != NotMeasured) BatchDuration.Record(time.GetElapsedTime(started).TotalSeconds, tag);
    }

    public void Read(int events) => EventsRead.Add(events, tag);

    public void Dispatched() => DispatchCount.Add(1, tag);

    public void DispatchFailed() => DispatchFailureCount.Add(1, tag);
}
