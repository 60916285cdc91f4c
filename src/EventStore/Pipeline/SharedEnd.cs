namespace EventStore.Pipeline;

/// <summary>Ends something once. Every caller waits for that end, also one that comes while it runs, and gets its failure.</summary>
internal sealed class SharedEnd(Func<Task> end)
{
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int isBegun;

    public Task RunAsync()
    {
        if (Interlocked.Exchange(ref isBegun, 1) == 0) _ = CompleteAsync();
        return ended.Task;
    }

    private async Task CompleteAsync()
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
