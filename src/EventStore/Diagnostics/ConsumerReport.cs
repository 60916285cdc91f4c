using Microsoft.Extensions.Logging;

namespace EventStore.Diagnostics;

/// <summary>Measurements and log messages of one consumer, all under its name.</summary>
internal sealed class ConsumerReport(string name, Gauges gauges, ILogger logger)
{
    private readonly string name = Names.Printable(name);

    public string Name => name;

    /// <summary>Sets what is measured under the name: until the store is closed, or another consumer takes the name.</summary>
    /// <param name="findLag">How much of its source the consumer has not handled at the time of the call.</param>
    /// <param name="findStateBytes">The size of its state.</param>
    public void Observe(Func<CancellationToken, ValueTask<long>> findLag, Func<long> findStateBytes) =>
        gauges.ObserveConsumer(name, findLag, findStateBytes);

    public void LogActive(Checkpoint checkpoint) => Log.ConsumerActive(logger, name, checkpoint);

    public void LogLost(string reason) => Log.ConsumerLost(logger, name, reason);

    public void LogWatching(TimeSpan term) => Log.ConsumerWatching(logger, name, term);

    public void LogNotStopped(TimeSpan waited) => Log.ConsumerNotStopped(logger, name, waited);

    public void LogNotWritten(Exception error) => Log.ConsumerNotWritten(logger, error, name);

    public void LogLargeState(long bytes, long limit) => Log.ConsumerStateLarge(logger, name, bytes, limit);

    public void LogCallbackFailed(Exception error, string option) => Log.ConsumerCallbackFailed(logger, error, name, option);

    public void LogMissed(long count, StreamId stream)
    {
        gauges.Missed(name, count);
        Log.ConsumerMissed(logger, name, count, stream);
    }

    public void LogEnded(Exception error) => Log.ConsumerEnded(logger, error, name);

    public void LogStorageFailure(Exception error, TimeSpan delay) => Log.ConsumerStorageFailed(logger, error, name, delay);

    public void LogRetry(Exception error, CommittedEvent first, int failures, TimeSpan delay) =>
        Log.ConsumerFailed(logger, error, name, first.Stream, first.Checkpoint, failures, delay);

    public void LogGaveUp(Exception error, CommittedEvent first, int failures, FailureAction action) =>
        Log.ConsumerGaveUp(logger, error, name, first.Stream, first.Checkpoint, failures, action);
}
