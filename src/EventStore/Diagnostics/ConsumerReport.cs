using Microsoft.Extensions.Logging;

namespace EventStore.Diagnostics;

/// <summary>Measurements and log messages of one consumer, all under its name.</summary>
internal sealed class ConsumerReport(string name, ConsumerLag lag, ILogger logger)
{
    private readonly string name = Names.Printable(name);

    public ConsumerLag Lag => lag;

    public void LogActive(Checkpoint checkpoint) => Log.ConsumerActive(logger, name, checkpoint);

    public void LogLost(string reason) => Log.ConsumerLost(logger, name, reason);

    public void LogEnded(Exception error) => Log.ConsumerEnded(logger, error, name);

    public void LogStorageFailure(Exception error, TimeSpan delay) => Log.ConsumerStorageFailed(logger, error, name, delay);

    public void LogRetry(Exception error, CommittedEvent first, int failures, TimeSpan delay) =>
        Log.ConsumerFailed(logger, error, name, first.Stream, first.Checkpoint, failures, delay);

    public void LogGaveUp(Exception error, CommittedEvent first, int failures, FailureAction action) =>
        Log.ConsumerGaveUp(logger, error, name, first.Stream, first.Checkpoint, failures, action);
}
