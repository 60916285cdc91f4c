namespace EventStore.Engines;

/// <summary>
/// Starts work that outlives the call that starts it: loops, wake-ups, writers. It runs without the execution context of the caller: it
/// sees none of its <see cref="AsyncLocal{T}"/> values, nor its activity.
/// </summary>
public static class BackgroundWork
{
    /// <summary>Starts asynchronous work on the thread pool. Keep the task, and await it on dispose.</summary>
    public static Task Start(Func<Task> work)
    {
        if (ExecutionContext.IsFlowSuppressed()) return Task.Run(work);
        using (ExecutionContext.SuppressFlow()) return Task.Run(work);
    }

    /// <summary>Starts synchronous work on the thread pool. Keep the task, and await it on dispose.</summary>
    public static Task Start(Action work)
    {
        if (ExecutionContext.IsFlowSuppressed()) return Task.Run(work);
        using (ExecutionContext.SuppressFlow()) return Task.Run(work);
    }
}
