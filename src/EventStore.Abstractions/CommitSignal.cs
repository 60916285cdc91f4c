namespace EventStore.Engines;

/// <summary>Wakes those who wait for commits within one process. For engines: raise it after each batch, wait on it in WaitForCommitsAsync.</summary>
public sealed class CommitSignal
{
    private readonly Lock gate = new();
    private long newest;
    private TaskCompletionSource? waiting;

    /// <summary>Says that everything up to a checkpoint can be read.</summary>
    public void Raise(Checkpoint upTo)
    {
        TaskCompletionSource? woken;
        lock (gate)
        {
            if (upTo.Value <= newest) return;
            newest = upTo.Value;
            woken = waiting;
            waiting = null;
        }

        woken?.TrySetResult();
    }

    /// <summary>Wakes everyone, whatever they wait for.</summary>
    public void WakeAll()
    {
        TaskCompletionSource? woken;
        lock (gate)
        {
            woken = waiting;
            waiting = null;
        }

        woken?.TrySetResult();
    }

    /// <summary>Returns once something after the checkpoint was raised, or after the time.</summary>
    public async ValueTask WaitAsync(Checkpoint after, TimeSpan atMost, TimeProvider time, CancellationToken cancellationToken)
    {
        Task raised;
        lock (gate)
        {
            if (newest > after.Value) return;
            waiting ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            raised = waiting.Task;
        }

        await raised.WaitAsync(atMost, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
    }
}
