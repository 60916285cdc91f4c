using Microsoft.Extensions.Logging;

namespace EventStore.Diagnostics;

/// <summary>Measurements and log messages of dispatch, and how many dispatches failed in a row.</summary>
internal sealed class DispatchReport(Telemetry telemetry, ILogger logger)
{
    private int consecutiveFailures;
    private int failingUnits;

    public int ConsecutiveFailures => Volatile.Read(ref consecutiveFailures);

    /// <summary>Whether a unit has failed and was not dispatched or parked since.</summary>
    public bool IsFailing => Volatile.Read(ref failingUnits) > 0;

    public TracedStep StartDispatch(StreamId stream) => telemetry.StartDispatch(stream);

    public void Dispatched() => telemetry.Dispatched();

    /// <summary>Counts a failure of a unit.</summary>
    public void Failed()
    {
        Interlocked.Increment(ref consecutiveFailures);
        telemetry.DispatchFailed();
    }

    /// <summary>A unit has failed for the first time. <see cref="UnitEndedFailing"/> must follow.</summary>
    public void UnitStartedFailing() => Interlocked.Increment(ref failingUnits);

    /// <summary>A unit that failed is dispatched, parked, or no longer tried.</summary>
    public void UnitEndedFailing()
    {
        if (Interlocked.Decrement(ref failingUnits) == 0) ForgetFailures();
    }

    public void ForgetFailures() => Volatile.Write(ref consecutiveFailures, 0);

    public void LogRetry(Exception error, Commit commit, int failures, TimeSpan delay) =>
        Log.DispatchFailed(logger, error, commit.CommitId, commit.Stream, failures, delay);

    public void LogParked(Exception error, Commit commit, int failures) =>
        Log.DispatchParked(logger, error, commit.CommitId, commit.Stream, failures);

    public void LogLeaseTaken(Checkpoint watermark) => Log.LeaseTaken(logger, watermark);

    public void LogLeaseLost(string reason) => Log.LeaseLost(logger, reason);

    public void LogLoopFailed(Exception error, TimeSpan delay) => Log.DispatchLoopFailed(logger, error, delay);

    public void LogStorageFailure(Exception error, TimeSpan delay) => Log.DispatchStorageFailed(logger, error, delay);

    public void LogEnded(Exception error) => Log.DispatchEnded(logger, error);

    public void LogNotStopped(TimeSpan waited) => Log.DispatchNotStopped(logger, waited);
}
