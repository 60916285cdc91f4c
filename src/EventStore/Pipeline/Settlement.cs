using EventStore.Diagnostics;
using Microsoft.Extensions.Logging;

namespace EventStore.Pipeline;

/// <summary>
/// Sends a batch again when its outcome is unknown; commit ids make that safe. An outcome that stays unknown is reported for each commit.
/// </summary>
internal sealed class Settlement(IPersistenceEngine engine, TimeProvider time, ILogger logger)
{
    private const int Attempts = 6;
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(50);

    /// <summary>The outcomes of a batch that was sent, and whether they had to be settled.</summary>
    public async ValueTask<(IReadOnlyList<CommitOutcome> Outcomes, bool WasSettled)> AwaitAsync(
        CommitAttempt[] attempts, ValueTask<IReadOnlyList<CommitOutcome>> sent)
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
                // Its text speaks of this attempt only, of which nothing was stored; the first one's outcome stays unknown.
                unknown = error as BatchOutcomeUnknownException
                    ?? new BatchOutcomeUnknownException("the storage became unavailable before the outcome was learnt.", error);
            }
            catch (Exception error)
            {
                // The second attempt failed permanently, but the outcome of the first one stays unknown.
                throw new BatchOutcomeUnknownException($"settling it failed with {error.GetType().Name}.", error);
            }
        }

        throw unknown;
    }

    /// <summary>The exception that the caller of one commit gets when its batch failed.</summary>
    public static Exception Explain(Exception error, CommitAttempt attempt) => error switch
    {
        BatchOutcomeUnknownException unknown =>
            new CommitOutcomeUnknownException(attempt.Stream, attempt.CommitId, unknown.Message, unknown),
        EventStoreException or ObjectDisposedException or ArgumentException => error,
        _ => new CommitOutcomeUnknownException(attempt.Stream, attempt.CommitId, $"the engine failed with {error.GetType().Name}.", error),
    };
}
