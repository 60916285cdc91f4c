using EventStore.Diagnostics;
using Microsoft.Extensions.Logging;

namespace EventStore.Pipeline;

/// <summary>Settles what an engine left unknown, by asking again: commit ids make that safe. What stays unknown is told for the commit it is about.</summary>
internal sealed class Settlement(IPersistenceEngine engine, TimeProvider time, ILogger logger)
{
    private const int Attempts = 6;
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(50);

    /// <summary>The outcomes of a batch that was sent, and whether they had to be settled.</summary>
    public async ValueTask<(IReadOnlyList<CommitOutcome> Outcomes, bool WasSettled)> AwaitAsync(CommitAttempt[] attempts, ValueTask<IReadOnlyList<CommitOutcome>> sent)
    {
        BatchOutcomeUnknownException unknown;
        try
        {
            return (await sent.ConfigureAwait(false), false);
        }
        catch (BatchOutcomeUnknownException error)
        {
            unknown = error;
        }

        var delay = FirstDelay;
        for (var attempt = 1; attempt <= Attempts; attempt++, delay *= 2)
        {
            Log.Settling(logger, attempts.Length, unknown.Message, attempt);
            await Task.Delay(delay, time).ConfigureAwait(false);
            try
            {
                return (await engine.CommitAsync(attempts, CancellationToken.None).ConfigureAwait(false), true);
            }
            catch (StorageException error) when (error is BatchOutcomeUnknownException or StorageUnavailableException)
            {
                unknown = error as BatchOutcomeUnknownException ?? new BatchOutcomeUnknownException(error.Message, error);
            }
            catch (Exception error)
            {
                // Asking again is refused for good; what became of the first sending stays unknown all the same.
                throw new BatchOutcomeUnknownException($"settling it failed with {error.GetType().Name}.", error);
            }
        }

        throw unknown;
    }

    /// <summary>What a failed batch means for one of its commits.</summary>
    public static Exception Explain(Exception error, CommitAttempt attempt) => error switch
    {
        BatchOutcomeUnknownException => new CommitOutcomeUnknownException(attempt.Stream, attempt.CommitId, error.Message, error),
        EventStoreException or ObjectDisposedException or ArgumentException => error,
        _ => new CommitOutcomeUnknownException(attempt.Stream, attempt.CommitId, $"the engine failed with {error.GetType().Name}.", error),
    };
}
