namespace EventStore.Pipeline;

/// <summary>
/// Ends something once. Every caller waits for that end, also one that comes while it runs, and gets its failure. Where application code
/// did not return in time, a later call tries again: it may have returned meanwhile.
/// </summary>
internal sealed class SharedEnd(Func<Task> end)
{
    // Guarded by the gate; null before the first call.
    private readonly Lock gate = new();
    private TaskCompletionSource? latest;

    public Task RunAsync()
    {
        TaskCompletionSource mine;
        lock (gate)
        {
            if (latest is not null && latest.Task.Exception?.InnerException is not NotStoppedException) return latest.Task;
            latest = mine = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        _ = CompleteAsync(mine);
        return mine.Task;
    }

    private async Task CompleteAsync(TaskCompletionSource ended)
    {
        try
        {
            await end().ConfigureAwait(false);
            ended.SetResult();
        }
        catch (Exception error)
        {
            ended.SetException(error);
        }
    }
}
