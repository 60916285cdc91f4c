using EventStore.Diagnostics;

namespace EventStore.Pipeline;

/// <summary>A batch that the engine is done with.</summary>
/// <param name="Attempts">The attempts.</param>
/// <param name="Outcomes">Their outcomes, in the same order; empty if the batch failed.</param>
/// <param name="WasSettled">Whether the outcomes were unknown at first.</param>
/// <param name="Failure">Why the batch failed; null if it did not.</param>
internal readonly record struct SentBatch(
    QueuedAttempt[] Attempts, IReadOnlyList<CommitOutcome> Outcomes, bool WasSettled, Exception? Failure)
{
    /// <summary>Passes each outcome to its caller, whose code may run here.</summary>
    /// <param name="measure">What was measured; recorded with the first attempt whose caller still waits.</param>
    public void Complete(BatchMeasure? measure)
    {
        for (var i = 0; i < Attempts.Length; i++)
        {
            if (Failure is not null) Attempts[i].TrySetException(Settlement.Explain(Failure, Attempts[i].Attempt));
            else if (Attempts[i].TrySetResult(new(Outcomes[i], WasSettled, measure))) measure = null;
        }
    }
}
