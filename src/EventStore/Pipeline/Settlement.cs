using EventStore.Diagnostics;
using Microsoft.Extensions.Logging;

namespace EventStore.Pipeline;

/// <summary>
/// Settles a batch whose outcome is unknown: asks the engine which commits are stored, and sends the others again, which commit ids make
/// safe. An outcome that stays unknown is reported for each commit.
/// </summary>
internal sealed class Settlement(IPersistenceEngine engine, TimeProvider time, ILogger logger)
{
    private const int Attempts = 6;
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(50);

    /// <summary>The engine.</summary>
    public IPersistenceEngine Engine => engine;

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

        var outcomes = new CommitOutcome[attempts.Length];
        List<int> open = [.. Enumerable.Range(0, attempts.Length)];
        var delay = FirstDelay;
        for (var attempt = 1; attempt <= Attempts; attempt++, delay *= 2)
        {
            var (count, reason, number) = (open.Count, unknown.Message, attempt);
            Report(() => Log.Settling(logger, count, reason, number));
            await Task.Delay(delay, time).ConfigureAwait(false);
            try
            {
                await FindStoredAsync(attempts, outcomes, open).ConfigureAwait(false);
                await SendAgainAsync(attempts, outcomes, open).ConfigureAwait(false);
                return (outcomes, true);
            }
            catch (BatchOutcomeUnknownException error)
            {
                unknown = error;
            }
            catch (StorageUnavailableException error)
            {
                // What it says of this request does not hold for the first one.
                unknown = new BatchOutcomeUnknownException("the storage was unavailable while the outcome was being settled.", error);
            }
            catch (Exception error)
            {
                // The repetition failed permanently, but the first request may still be under way or carried out.
                throw new BatchOutcomeUnknownException($"settling it failed with {error.GetType().Name}.", error);
            }
        }

        throw unknown;
    }

    /// <summary>The outcome of one attempt that was sent, and whether it had to be settled.</summary>
    public async ValueTask<(CommitOutcome Outcome, bool WasSettled)> AwaitAsync(CommitAttempt attempt, ValueTask<CommitOutcome> sent)
    {
        var (outcomes, wasSettled) = await AwaitAsync([attempt], AsBatchAsync(sent)).ConfigureAwait(false);
        return (outcomes[0], wasSettled);

        static async ValueTask<IReadOnlyList<CommitOutcome>> AsBatchAsync(ValueTask<CommitOutcome> sent) =>
            [await sent.ConfigureAwait(false)];
    }

    /// <summary>The exception that the caller of one commit gets when its batch failed.</summary>
    public static Exception Explain(Exception error, CommitAttempt attempt) => error switch
    {
        BatchOutcomeUnknownException unknown =>
            new CommitOutcomeUnknownException(attempt.Stream, attempt.CommitId, unknown.Message, unknown),
        EventStoreException or ObjectDisposedException or ArgumentException => error,
        _ => new CommitOutcomeUnknownException(attempt.Stream, attempt.CommitId, $"the engine failed with {error.GetType().Name}.", error),
    };

    // What is found is settled. What is not found stays open: the first request may still be under way. So does a unit, of which the other
    // commits would have to be found too.
    private async ValueTask FindStoredAsync(CommitAttempt[] attempts, CommitOutcome[] outcomes, List<int> open)
    {
        try
        {
            foreach (var place in open.ToArray())
            {
                if (attempts[place].Rest.Count > 0) continue;
                var (stream, id) = (attempts[place].Stream, attempts[place].CommitId);
                if (await engine.FindCommitAsync(stream, id, CancellationToken.None).ConfigureAwait(false) is not { } stored) continue;
                outcomes[place] = CommitOutcome.Duplicate(stored);
                open.Remove(place);
            }
        }
        catch (StorageException error) when (error is not (BatchOutcomeUnknownException or StorageUnavailableException))
        {
            Report(() => Log.NotFoundOut(logger, error));
        }
    }

    private async ValueTask SendAgainAsync(CommitAttempt[] attempts, CommitOutcome[] outcomes, List<int> open)
    {
        if (open.Count == 0) return;
        var again = open.ConvertAll(place => attempts[place]);
        var settled = await engine.CommitAsync(again, CancellationToken.None).ConfigureAwait(false);
        for (var i = 0; i < settled.Count; i++) outcomes[open[i]] = settled[i];
    }

    // A logger is code of the application, and may wait for a commit of this store, which waits for this one.
    private static void Report(Action log) => ThreadPool.UnsafeQueueUserWorkItem(static log => log(), log, preferLocal: false);
}
