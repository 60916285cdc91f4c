namespace EventStore.Pipeline;

/// <summary>Sends attempts to an engine. An exception comes with the result, also where the engine throws at once.</summary>
internal static class Sending
{
    public static ValueTask<CommitOutcome> Send(this IPersistenceEngine engine, CommitAttempt attempt)
    {
        try
        {
            return engine.CommitAsync(attempt, CancellationToken.None);
        }
        catch (Exception error)
        {
            return ValueTask.FromException<CommitOutcome>(error);
        }
    }

    public static async ValueTask<IReadOnlyList<CommitOutcome>> SendAsync(this IPersistenceEngine engine, CommitAttempt[] attempts) =>
        attempts.Length == 1
            ? [await engine.CommitAsync(attempts[0], CancellationToken.None).ConfigureAwait(false)]
            : await engine.CommitAsync(attempts, CancellationToken.None).ConfigureAwait(false);
}
