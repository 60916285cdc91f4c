using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace EventStore.Diagnostics;

/// <summary>The activity source and the meter of the store, both named "EventStore". Neither ever carries a payload or a header.</summary>
/// <remarks>
/// Listeners are code of the application. Their exceptions are logged, the first of a store only, and change no outcome.
/// </remarks>
internal sealed class Telemetry(string engine, TimeProvider time, ILogger logger)
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
    private int hasFailed;

    /// <summary>What is measured whenever metrics are collected.</summary>
    public Gauges Gauges { get; } = new(engine);

    /// <summary>Whether code of the application runs when the outcome of a commit is recorded.</summary>
    public static bool IsListenedTo =>
        CommitCount.Enabled || EventCount.Enabled || CommitDuration.Enabled || BatchSize.Enabled || BatchDuration.Enabled
        || ConflictCount.Enabled || DuplicateCount.Enabled || Source.HasListeners();

    public TracedStep StartCommit(StreamId stream, int events)
    {
        if (!Source.HasListeners()) return default;
        var step = Start("EventStore.Commit");
        step.Activity?.SetTag("eventstore.stream", stream.ToString()).SetTag("eventstore.events", events);
        return step;
    }

    public TracedStep StartRead(string what)
    {
        if (!Source.HasListeners()) return default;
        var step = Start("EventStore.Read");
        step.Activity?.SetTag("eventstore.read", what);
        return step;
    }

    public TracedStep StartDispatch(StreamId stream)
    {
        if (!Source.HasListeners()) return default;
        var step = Start("EventStore.Dispatch");
        step.Activity?.SetTag("eventstore.stream", stream.ToString());
        return step;
    }

    public long CommitStarted() => CommitDuration.Enabled ? time.GetTimestamp() : NotMeasured;

    public void Committed(int events, long started)
    {
        Add(CommitCount, 1);
        Add(EventCount, events);
        if (started != NotMeasured) Record(CommitDuration, time.GetElapsedTime(started).TotalSeconds);
    }

    public void Conflicted() => Add(ConflictCount, 1);

    public void Duplicated() => Add(DuplicateCount, 1);

    public long BatchStarted() => BatchDuration.Enabled ? time.GetTimestamp() : NotMeasured;

    /// <summary>What a batch that is done measured, to be recorded with one of its commits; null without listeners.</summary>
    public BatchMeasure? Measure(int commits, long started) => BatchSize.Enabled || BatchDuration.Enabled
        ? new(commits, started == NotMeasured ? null : time.GetElapsedTime(started).TotalSeconds)
        : null;

    public void BatchDone(BatchMeasure? batch)
    {
        if (batch is null) return;
        Record(BatchSize, batch.Commits);
        if (batch.Seconds is { } seconds) Record(BatchDuration, seconds);
    }

    public void Read(int events) => Add(EventsRead, events);

    public void Dispatched() => Add(DispatchCount, 1);

    public void DispatchFailed() => Add(DispatchFailureCount, 1);

    /// <summary>Stops an activity.</summary>
    public void Stop(Activity activity)
    {
        try
        {
            activity.Dispose();
        }
        catch (Exception error)
        {
            Activity.Current = activity.Parent;
            Failed(error);
        }
    }

    private TracedStep Start(string name)
    {
        var before = Activity.Current;
        try
        {
            return Source.StartActivity(name) is { } activity ? new(activity, this) : default;
        }
        catch (Exception error)
        {
            Activity.Current = before;
            Failed(error);
            return default;
        }
    }

    private void Add(Counter<long> counter, long count)
    {
        try
        {
            counter.Add(count, tag);
        }
        catch (Exception error)
        {
            Failed(error);
        }
    }

    private void Record<T>(Histogram<T> histogram, T value) where T : struct
    {
        try
        {
            histogram.Record(value, tag);
        }
        catch (Exception error)
        {
            Failed(error);
        }
    }

    private void Failed(Exception error)
    {
        if (Interlocked.Exchange(ref hasFailed, 1) == 0) Log.ListenerFailed(logger, error);
    }
}
