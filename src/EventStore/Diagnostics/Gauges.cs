using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace EventStore.Diagnostics;

/// <summary>
/// Values of one store that are measured whenever metrics are collected. A collection cannot wait for the storage: it reports what was
/// found after the one before, and starts the next search.
/// </summary>
internal sealed class Gauges : IAsyncDisposable
{
    private const string NameOfConsumer = "eventstore.consumer";
    private static readonly ConcurrentDictionary<Gauges, bool> Open = new();
    private static readonly Meter Meter = MakeMeter();
    private static readonly Counter<long> MissedEvents = Meter.CreateCounter<long>(
        "eventstore.consumer.missed", "{event}", "Events of its stream that were truncated before a consumer handled them");

    private readonly KeyValuePair<string, object?> engineTag;
    private readonly ConcurrentDictionary<string, Gauge> lags = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Func<long>> stateSizes = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource ending = new();
    private readonly Lock gate = new();
    private Gauge? backlog;
    private Task searching = Task.CompletedTask;

    public Gauges(string engine)
    {
        engineTag = new("eventstore.engine", engine);
        Open.TryAdd(this, true);
        _ = Meter;
    }

    public void ObserveConsumer(string name, Func<CancellationToken, ValueTask<long>> findLag, Func<long> findStateBytes)
    {
        lags[name] = new Gauge(findLag);
        stateSizes[name] = findStateBytes;
    }

    /// <summary>Counts events that were truncated before a consumer handled them.</summary>
    public void Missed(string name, long count) => MissedEvents.Add(count, engineTag, new(NameOfConsumer, name));

    public void ObserveBacklog(Func<CancellationToken, ValueTask<long>> find) => Volatile.Write(ref backlog, new Gauge(find));

    public async ValueTask DisposeAsync()
    {
        Open.TryRemove(this, out _);
        await ending.CancelAsync().ConfigureAwait(false);
        Task last;
        lock (gate) last = searching;
        await last.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ending.Dispose();
    }

    private static Meter MakeMeter()
    {
        var meter = new Meter("EventStore");
        meter.CreateObservableGauge(
            "eventstore.dispatch.backlog", () => Open.Keys.SelectMany(store => store.MeasureBacklog()), "{event}",
            "Events stored and not yet dispatched");
        meter.CreateObservableGauge(
            "eventstore.consumer.lag", () => Open.Keys.SelectMany(store => store.MeasureLags()), "{event}",
            "Events of its source that a consumer has not handled");
        meter.CreateObservableGauge(
            "eventstore.consumer.state.size", () => Open.Keys.SelectMany(store => store.MeasureStates()), "By",
            "Size of the stored state of a consumer");
        return meter;
    }

    private IEnumerable<Measurement<long>> MeasureBacklog()
    {
        if (Volatile.Read(ref backlog) is not { } gauge) yield break;
        Search();
        if (gauge.Found is { } found) yield return new(found, engineTag);
    }

    private IEnumerable<Measurement<long>> MeasureLags()
    {
        if (lags.IsEmpty) yield break;
        Search();
        foreach (var (name, gauge) in lags)
        {
            if (gauge.Found is { } found) yield return new(found, engineTag, new(NameOfConsumer, name));
        }
    }

    private IEnumerable<Measurement<long>> MeasureStates() =>
        stateSizes.Select(size => new Measurement<long>(size.Value(), engineTag, new(NameOfConsumer, size.Key)));

    private void Search()
    {
        lock (gate)
        {
            if (searching.IsCompleted && !ending.IsCancellationRequested) searching = BackgroundWork.Start(SearchAsync);
        }
    }

    private async Task SearchAsync()
    {
        if (Volatile.Read(ref backlog) is { } gauge) await gauge.SearchAsync(ending.Token).ConfigureAwait(false);
        foreach (var lag in lags.Values) await lag.SearchAsync(ending.Token).ConfigureAwait(false);
    }

    private sealed class Gauge(Func<CancellationToken, ValueTask<long>> find)
    {
        private readonly Lock gate = new();
        private long? found;

        /// <summary>What was found last; null before that, and while the storage cannot be reached.</summary>
        public long? Found
        {
            get
            {
                lock (gate) return found;
            }
        }

        public async ValueTask SearchAsync(CancellationToken cancellationToken)
        {
            long? now;
            try
            {
                now = await find(cancellationToken).ConfigureAwait(false);
            }
            catch (Exception error) when (error is EventStoreException or ObjectDisposedException)
            {
                now = null; // unknown while the storage cannot be reached
            }

            lock (gate) found = now;
        }
    }
}
