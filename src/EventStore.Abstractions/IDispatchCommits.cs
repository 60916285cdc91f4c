using System.ComponentModel;
using EventStore.Engines;

namespace EventStore;

/// <summary>
/// Passes committed events to the application's bus. Called at least once for every commit. If it throws, the commit stays undispatched
/// and is tried again, with growing waits, before any later commit of its stream.
/// </summary>
public interface IDispatchCommits
{
    /// <summary>Dispatches one commit. It counts as dispatched when the method returns.</summary>
    ValueTask DispatchAsync(Commit commit, CancellationToken cancellationToken);
}

/// <summary>How a dispatch scheduler works.</summary>
public sealed class DispatchOptions
{
    private static readonly TimeSpan ShortestWait = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan ShortestTerm = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan ShortestStop = TimeSpan.FromMilliseconds(100);

    /// <summary>How many streams may be dispatched at once. 1, the default: one commit at a time in checkpoint order.</summary>
    public int Parallelism { get; set; } = 1;

    /// <summary>The wait after a first failure; it doubles with each further one. Default 100 ms, at least 1 ms.</summary>
    public TimeSpan FirstRetryDelay { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The longest wait between two tries. Default 30 s.</summary>
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>After how many failures a commit is parked and later ones are dispatched. Null, the default: never.</summary>
    public int? ParkAfterFailures { get; set; }

    /// <summary>
    /// After how many dispatched commits progress is written, at the latest; it is also written when all commits are dispatched. Default
    /// 100.
    /// </summary>
    public int CommitsPerProgressWrite { get; set; } = 100;

    /// <summary>The longest wait for a signal before commits are read again. Default 1 s, at least 1 ms.</summary>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// After how long without a renewal of the lease another process takes over, where it is unknown whether the holder lives. Default
    /// 15 s, at least 50 ms.
    /// </summary>
    public TimeSpan LeaseTerm { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// How long disposing the store waits for a dispatch that is running and was cancelled; then it throws
    /// <see cref="NotStoppedException"/>. Default 30 s; at least 100 ms.
    /// </summary>
    public TimeSpan StopTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Checks every value, and returns a copy.</summary>
    /// <exception cref="InvalidOptionException">A value is out of its range; the message names it.</exception>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public DispatchOptions Validated()
    {
        OptionRules.RequireBetween(this, Parallelism, 1, 1024);
        OptionRules.RequireAtLeast(this, FirstRetryDelay, ShortestWait);
        OptionRules.Require(
            this, MaxRetryDelay >= FirstRetryDelay, MaxRetryDelay, $"at least {nameof(FirstRetryDelay)}, which is {FirstRetryDelay}");
        OptionRules.Require(this, ParkAfterFailures is null or >= 1, ParkAfterFailures, "at least 1, or null for never");
        OptionRules.Require(this, CommitsPerProgressWrite >= 1, CommitsPerProgressWrite, "at least 1");
        OptionRules.RequirePositive(this, MaxRetryDelay);
        OptionRules.RequireAtLeast(this, PollInterval, ShortestWait);
        OptionRules.RequireAtLeast(this, LeaseTerm, ShortestTerm);
        OptionRules.RequireAtLeast(this, StopTimeout, ShortestStop);
        return (DispatchOptions)MemberwiseClone();
    }
}
