using EventStore.FileSystem.Index;

namespace EventStore.FileSystem.Store;

/// <summary>Has each write decided, and the plan carried out, in one turn of the store's writer.</summary>
internal sealed class PlannedWrites(OpenStore store)
{
    /// <summary>Writes what a decider plans. Completes on the caller's thread, unless the index is damaged or far behind.</summary>
    /// <exception cref="StorageUnavailableException">Nothing was stored.</exception>
    /// <exception cref="BatchOutcomeUnknownException">The disk failed; the store takes no more writes.</exception>
    public ValueTask<TOutcome> WriteAsync<TAsked, TOutcome>(IDecider<TAsked, TOutcome> decider, TAsked asked)
    {
        try
        {
            var (outcome, written) = Write(decider, asked);
            return written.IsCompletedSuccessfully ? new(outcome) : AfterAsync(written, outcome);
        }
        catch (IndexDamageException)
        {
            return RebuildAndWriteAsync(decider, asked);
        }
        catch (IOException)
        {
            return WriteAgainAsync(decider, asked); // a failed read may succeed the second time
        }
    }

    private (TOutcome Outcome, Task Written) Write<TAsked, TOutcome>(IDecider<TAsked, TOutcome> decider, TAsked asked)
    {
        using var turn = store.Writer.Enter();
        var plan = store.Writer.BeginPlan();
        var outcome = decider.Decide(asked, plan);
        return (outcome, store.Writer.CarryOut(plan));
    }

    private async ValueTask<TOutcome> RebuildAndWriteAsync<TAsked, TOutcome>(IDecider<TAsked, TOutcome> decider, TAsked asked)
    {
        try
        {
            await store.RebuildIndexAsync().ConfigureAwait(false);
        }
        catch (IndexDamageException error)
        {
            throw store.DamagedAgain(error);
        }
        catch (IOException error)
        {
            throw store.ReadingFailed(error);
        }

        return await WriteAgainAsync(decider, asked).ConfigureAwait(false);
    }

    private async ValueTask<TOutcome> WriteAgainAsync<TAsked, TOutcome>(IDecider<TAsked, TOutcome> decider, TAsked asked)
    {
        try
        {
            var (outcome, written) = Write(decider, asked);
            return await AfterAsync(written, outcome).ConfigureAwait(false);
        }
        catch (IndexDamageException error)
        {
            throw store.DamagedAgain(error);
        }
        catch (IOException error)
        {
            throw store.ReadingFailed(error);
        }
    }

    private static async ValueTask<TOutcome> AfterAsync<TOutcome>(Task written, TOutcome outcome)
    {
        await written.ConfigureAwait(false);
        return outcome;
    }
}
