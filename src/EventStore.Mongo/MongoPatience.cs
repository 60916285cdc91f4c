using System.Diagnostics;

namespace EventStore.Mongo;

/// <summary>
/// How long a writer that was too late tries again, with short waits of random length, so that racing writers do not keep step.
/// </summary>
internal sealed class MongoPatience(TimeSpan limit)
{
    private const int MaxWaitMilliseconds = 16;
    private readonly long started = Stopwatch.GetTimestamp();
    private int tries;

    /// <exception cref="StorageUnavailableException">The time is over.</exception>
    public async Task WaitAsync()
    {
        if (Stopwatch.GetElapsedTime(started) > limit)
            throw new StorageUnavailableException(
                $"Other writers were faster {tries} times, for {limit.TotalSeconds:0} s. Nothing more was stored; "
                    + "try again, or let fewer processes write to one store.");

        // By the first retry the other writer is done, as a rule.
        if (++tries > 2) await Task.Delay(Random.Shared.Next(Math.Min(MaxWaitMilliseconds, 1 << Math.Min(tries, 6)))).ConfigureAwait(false);
    }
}
