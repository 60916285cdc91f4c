namespace EventStore.Pipeline;

/// <summary>
/// The attempts that wait for the leader, in the order in which they were submitted. Guarded by the gate of the group commit.
/// </summary>
/// <param name="maxAttempts">The highest number of attempts in a batch.</param>
/// <param name="cohort">Learns how many wait.</param>
internal sealed class AttemptQueue(int maxAttempts, Cohort cohort)
{
    private const long MaxBatchBytes = 8 << 20;
    private readonly Queue<QueuedAttempt> waiting = new();

    public bool IsEmpty => waiting.Count == 0;

    public void Add(QueuedAttempt attempt)
    {
        waiting.Enqueue(attempt);
        cohort.NoteQueued(waiting.Count);
    }

    /// <summary>Takes the first attempt. Returns whether it is to be sent; otherwise it was cancelled while it waited.</summary>
    public bool TryTakeFirst()
    {
        var first = waiting.Dequeue();
        cohort.NoteQueued(waiting.Count);
        return first.TrySend();
    }

    /// <summary>Takes the attempts of the next batch. None of them can be cancelled any more.</summary>
    public QueuedAttempt[] TakeBatch()
    {
        var batch = new List<QueuedAttempt>();
        long bytes = 0;
        while (waiting.TryPeek(out var next) && batch.Count < maxAttempts)
        {
            if (batch.Count > 0 && bytes + next.Attempt.SizeBytes > MaxBatchBytes) break;
            waiting.Dequeue();
            if (!next.TrySend()) continue; // cancelled while it waited
            bytes += next.Attempt.SizeBytes;
            batch.Add(next);
        }

        cohort.NoteQueued(waiting.Count);
        return [.. batch];
    }
}
