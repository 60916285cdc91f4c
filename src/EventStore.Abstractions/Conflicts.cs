using System.ComponentModel;

namespace EventStore.Engines;

/// <summary>Repeats what lost against faster writers. For packages that decide on what they read.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class Conflicts
{
    private const int MaxDelayMilliseconds = 50;

    /// <summary>Runs an attempt, and again while it fails because the store changed after the attempt had read it.</summary>
    /// <param name="attempt">Reads, decides and commits.</param>
    /// <param name="maxAttempts">The highest number of attempts; at least 1.</param>
    /// <param name="time">The clock by which it waits between attempts: at random, up to 50 ms.</param>
    /// <param name="cancellationToken">Ends the wait between attempts by throwing.</param>
    public static async ValueTask<T> RetryAsync<T>(
        Func<ValueTask<T>> attempt, int maxAttempts, TimeProvider time, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(attempt);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxAttempts, 1);
        for (var attempts = 1; ; attempts++)
        {
            try
            {
                return await attempt().ConfigureAwait(false);
            }
            catch (Exception error) when (attempts < maxAttempts && IsConflict(error))
            {
                // Writers that conflicted would conflict again, so each waits a random time, longer with each attempt.
                var most = Math.Min(MaxDelayMilliseconds, 1 << Math.Min(attempts, 6));
                var delay = TimeSpan.FromMilliseconds(Random.Shared.Next(most));
                await Task.Delay(delay, time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static bool IsConflict(Exception error) =>
        error is ConcurrencyException or AppendConditionException or StreamReplacedException or ReadInterruptedException;
}
