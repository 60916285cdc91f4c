namespace EventStore.Engines;

/// <summary>
/// One watch for all callers that wait for commits of other processes, where only looking finds them. It looks at intervals while a caller
/// waits. A hint: a caller that waits also polls.
/// </summary>
/// <param name="signal">Raised for what is found, and by the engine for its own commits.</param>
/// <param name="look">Finds the newest checkpoint. What it throws ends the waits: the callers then read, and get the error there.</param>
/// <param name="time">The clock.</param>
public sealed class CommitWatch(CommitSignal signal, Func<CancellationToken, ValueTask<Checkpoint>> look, TimeProvider time)
    : IAsyncDisposable
{
    private readonly CancellationTokenSource ending = new();

    // Guarded by the gate: the loop runs while a caller waits.
    private readonly Lock gate = new();
    private Task watching = Task.CompletedTask;
    private int waiting;
    private bool isWatching;

    /// <summary>Waits until there may be something after a checkpoint, at the longest for a time.</summary>
    /// <param name="after">The checkpoint.</param>
    /// <param name="atMost">The time.</param>
    /// <param name="interval">How long the watch pauses between two looks; asked for before each pause.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask WaitAsync(Checkpoint after, TimeSpan atMost, Func<TimeSpan> interval, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            if (ending.IsCancellationRequested) return;
            waiting++;
            if (!isWatching)
            {
                isWatching = true;
                watching = BackgroundWork.Start(() => WatchAsync(interval));
            }
        }

        try
        {
            await signal.WaitAsync(after, atMost, time, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            lock (gate) waiting--;
        }
    }

    /// <summary>Ends all waits and the watch.</summary>
    public async ValueTask DisposeAsync()
    {
        Task last;
        lock (gate)
        {
            if (ending.IsCancellationRequested) return;
            ending.Cancel();
            last = watching;
        }

        signal.WakeAll();
        await last.ConfigureAwait(false);
        ending.Dispose();
    }

    private async Task WatchAsync(Func<TimeSpan> interval)
    {
        while (true)
        {
            try
            {
                signal.Raise(await look(ending.Token).ConfigureAwait(false));
            }
            catch (Exception error) when (error is StorageException or OperationCanceledException or ObjectDisposedException)
            {
                signal.WakeAll();
            }

            await Task.Delay(interval(), time, ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            lock (gate)
            {
                isWatching = waiting > 0 && !ending.IsCancellationRequested;
                if (!isWatching) return;
            }
        }
    }
}
