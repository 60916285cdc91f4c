namespace EventStore;

/// <summary>
/// Hands committed events to the application's bus. Called at least once for every commit; when it throws, the commit stays undispatched
/// and is tried again, with growing waits, before any later one of its stream.
/// </summary>
public interface IDispatchCommits
{
    /// <summary>Hands over one commit. Returning says that the bus has it.</summary>
    ValueTask DispatchAsync(Commit commit, CancellationToken cancellationToken);
}

/// <summary>How a dispatch scheduler works.</summary>
public sealed class DispatchOptions
{
    /// <summary>How many streams may be dispatched at once. 1, the default: one commit at a time in checkpoint order.</summary>
    public int Parallelism { get; set; } = 1;

    /// <summary>The wait after a first failure; it doubles with each further one. Default 100 ms.</summary>
    public TimeSpan FirstRetryDelay { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The longest wait between two tries. Default 30 s.</summary>
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>After how many failures a commit is parked and later ones go on. Null, the default: never.</summary>
    public int? ParkAfterFailures { get; set; }

    /// <summary>After how many dispatched commits progress is written, at the latest; it is also written whenever nothing is left. Default 100.</summary>
    public int CommitsPerProgressWrite { get; set; } = 100;

    /// <summary>How long dispatch waits at most before it looks for commits by itself. Default 1 s.</summary>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>After how long without a sign of life another process takes over. Default 15 s.</summary>
    public TimeSpan LeaseTerm { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Refuses values that cannot work.</summary>
    /// <exception cref="WireupException">A value is out of its range; the message names it.</exception>
    public void Validate()
    {
        Require(Parallelism is >= 1 and <= 1024, nameof(Parallelism), Parallelism, "between 1 and 1024");
        Require(FirstRetryDelay > TimeSpan.Zero, nameof(FirstRetryDelay), FirstRetryDelay, "above zero");
        Require(MaxRetryDelay >= FirstRetryDelay, nameof(MaxRetryDelay), MaxRetryDelay, $"at least {nameof(FirstRetryDelay)}, which is {FirstRetryDelay}");
        Require(ParkAfterFailures is null or >= 1, nameof(ParkAfterFailures), ParkAfterFailures, "at least 1, or null for never");
        Require(CommitsPerProgressWrite >= 1, nameof(CommitsPerProgressWrite), CommitsPerProgressWrite, "at least 1");
        Require(PollInterval > TimeSpan.Zero, nameof(PollInterval), PollInterval, "above zero");
        Require(LeaseTerm > TimeSpan.Zero, nameof(LeaseTerm), LeaseTerm, "above zero");
    }

    private static void Require(bool holds, string property, object? value, string limit)
    {
        if (!holds) throw new WireupException($"DispatchOptions.{property} is {value}, but must be {limit}.");
    }
}
