namespace EventStore.Engines;

/// <summary>
/// A signal for commits within one process. An engine raises it after each batch, and waits for it in WaitForCommitsAsync.
/// </summary>
public sealed class CommitSignal
{
    private readonly Lock gate = new();
    private long newest;
    private TaskCompletionSource? waiting;

    /// <summary>Signals that everything up to a checkpoint can be read.</summary>
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

    /// <summary>Ends all waits.</summary>
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

    /// <summary>Waits until a later checkpoint is raised, or the time has passed.</summary>
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
