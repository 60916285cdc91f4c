namespace EventStore.Pipeline;

/// <summary>
/// The callers that commit at about the same time. The leader waits for them a short time before it sends a batch: without that, callers
/// split into two groups of half the size.
/// </summary>
/// <remarks>Touched by the leader only, except for what is queued; and by an attempt that finds the gate idle.</remarks>
/// <param name="time">The clock.</param>
/// <param name="most">The highest number of attempts in a batch.</param>
/// <param name="hasThread">Whether the leader is a thread of the store, which may yield itself.</param>
internal sealed class Cohort(TimeProvider time, int most, bool hasThread)
{
    // Limits the gathering where the clock stands still, as the clock of a test may.
    private const int MaxTurns = 10_000;
    private readonly long maxTicks = time.TimestampFrequency / 2000;
    private readonly long minTicks = time.TimestampFrequency / 200_000;
    private long averageBatchTicks;
    private int expected = 1;

    // Changed with the gate held, read without.
    private volatile int queued;

    /// <summary>Whether no other caller is expected.</summary>
    public bool IsLone => expected <= 1;

    /// <summary>Sets how many attempts are queued.</summary>
    public void NoteQueued(int count) => queued = count;

    /// <summary>Waits a short time for the callers of the last batch.</summary>
    public async ValueTask GatherAsync()
    {
        var window = Math.Min(averageBatchTicks / 4, maxTicks);
        if (expected > 1 && window >= minTicks)
        {
            var until = time.GetTimestamp() + window;
            for (var turn = 0; turn < MaxTurns && queued < expected && time.GetTimestamp() < until; turn++)
            {
                if (hasThread) Thread.Yield();
                else await Task.Yield();
            }
        }

        // The expected number shrinks by half of the difference, so that callers that left are soon not waited for.
        var came = queued;
        expected = Math.Min(came >= expected ? came : (expected + came) / 2, most);
    }

    /// <summary>Learns from a batch that is done.</summary>
    public void NoteBatch(long started, int size)
    {
        var took = time.GetTimestamp() - started;
        expected = Math.Max(expected, size + queued);
        averageBatchTicks = averageBatchTicks == 0 ? took : averageBatchTicks + ((took - averageBatchTicks) / 8);
    }
}
