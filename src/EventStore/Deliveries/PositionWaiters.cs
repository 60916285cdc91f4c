namespace EventStore.Deliveries;

/// <summary>Callers that wait until a checkpoint is reached. Guarded by its owner.</summary>
internal sealed class PositionWaiters
{
    private readonly List<(long Checkpoint, TaskCompletionSource Reached)> waiters = [];

    public bool Any => waiters.Count > 0;

    public Task Add(long checkpoint)
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        waiters.Add((checkpoint, reached));
        return reached.Task;
    }

    /// <summary>Completes the waits for checkpoints up to this one.</summary>
    public void Release(long upTo)
    {
        for (var i = waiters.Count - 1; i >= 0; i--)
        {
            if (waiters[i].Checkpoint > upTo) continue;
            waiters[i].Reached.TrySetResult();
            waiters.RemoveAt(i);
        }
    }

    /// <summary>Fails all waits: what they wait for will not happen.</summary>
    public void Fail(Exception reason)
    {
        foreach (var (_, reached) in waiters) reached.TrySetException(reason);
        waiters.Clear();
    }

    /// <summary>Moves all waits to another owner.</summary>
    public void MoveTo(PositionWaiters others)
    {
        others.waiters.AddRange(waiters);
        waiters.Clear();
    }
}
