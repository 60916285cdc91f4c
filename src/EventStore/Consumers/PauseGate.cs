namespace EventStore.Consumers;

/// <summary>Lets deliveries pass until it is closed, and tells when those that passed have left.</summary>
internal sealed class PauseGate
{
    // All guarded by the gate.
    private readonly Lock gate = new();
    private TaskCompletionSource? opened;
    private TaskCompletionSource? emptied;
    private int inside;

    public bool IsClosed
    {
        get
        {
            lock (gate) return opened is not null;
        }
    }

    public ValueTask EnterAsync(CancellationToken cancellationToken)
    {
        lock (gate)
        {
            if (opened is null)
            {
                inside++;
                return default;
            }
        }

        return WaitAndEnterAsync(cancellationToken);
    }

    /// <summary>Called inside, between one delivery and the next: steps aside for as long as it is closed.</summary>
    public ValueTask PassAsync(CancellationToken cancellationToken) => Volatile.Read(ref opened) is null ? default : StepAsideAsync(static _ => Task.CompletedTask, cancellationToken);

    /// <summary>Called inside: is outside while it waits for something, and inside again however that ends.</summary>
    public async ValueTask StepAsideAsync(Func<CancellationToken, Task> wait, CancellationToken cancellationToken)
    {
        Leave();
        try
        {
            await wait(cancellationToken).ConfigureAwait(false);
            await EnterAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            // Nothing is delivered any more, but whoever is about to leave must have come in.
            lock (gate) inside++;
            throw;
        }
    }

    public void Leave()
    {
        lock (gate)
        {
            if (--inside == 0) emptied?.TrySetResult();
        }
    }

    /// <summary>Closes it; returns once nobody is inside.</summary>
    public Task CloseAsync()
    {
        lock (gate)
        {
            opened ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            emptied = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (inside == 0) emptied.TrySetResult();
            return emptied.Task;
        }
    }

    public void Open()
    {
        lock (gate)
        {
            opened?.TrySetResult();
            opened = null;
        }
    }

    private async ValueTask WaitAndEnterAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task waiting;
            lock (gate)
            {
                if (opened is null)
                {
                    inside++;
                    return;
                }

                waiting = opened.Task;
            }

            await waiting.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
