namespace EventStore.Consumers;

/// <summary>
/// Lets deliveries in while it is neither paused, closed, entered alone, nor in doubt about its lease. Completes a wait when all have left.
/// </summary>
internal sealed class PauseGate
{
    // All guarded by the gate.
    private readonly Lock gate = new();
    private TaskCompletionSource? opened;
    private TaskCompletionSource? emptied;
    private int inside;
    private bool isPaused;
    private bool isInDoubt;
    private bool isClosed;
    private int alone;

    public bool IsPaused
    {
        get
        {
            lock (gate) return isPaused;
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

    /// <summary>Called inside, between two deliveries: leaves while the gate is closed.</summary>
    public ValueTask PassAsync(CancellationToken cancellationToken) =>
        Volatile.Read(ref opened) is null ? default : StepAsideAsync(static _ => Task.CompletedTask, cancellationToken);

    /// <summary>Called inside: leaves while it waits for something, and is inside again when the wait ends, also by an exception.</summary>
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
            // Nothing more is delivered, but the caller will leave, so it must count as inside.
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

    /// <summary>Closes the gate until it is resumed. Completes when no delivery is inside.</summary>
    public Task PauseAsync()
    {
        lock (gate)
        {
            isPaused = true;
            return CloseAsync();
        }
    }

    public void Resume()
    {
        lock (gate)
        {
            isPaused = false;
            OpenUnlessNeeded();
        }
    }

    /// <summary>Closes the gate because the consumer stops.</summary>
    public void Close()
    {
        lock (gate)
        {
            isClosed = true;
            _ = CloseAsync();
        }
    }

    /// <summary>Closes the gate while it is unknown whether another process has taken over, and opens it again.</summary>
    public void SetDoubt(bool doubt)
    {
        lock (gate)
        {
            if (isInDoubt == doubt) return;
            isInDoubt = doubt;
            if (doubt) _ = CloseAsync();
            else OpenUnlessNeeded();
        }
    }

    /// <summary>Enters when all deliveries have left, paused or not, and keeps them out. One caller at a time.</summary>
    public async ValueTask EnterAloneAsync(CancellationToken cancellationToken)
    {
        Task left;
        lock (gate)
        {
            alone++;
            left = CloseAsync();
        }

        try
        {
            await left.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            LeaveAlone();
            throw;
        }
    }

    public void LeaveAlone()
    {
        lock (gate)
        {
            alone--;
            OpenUnlessNeeded();
        }
    }

    private Task CloseAsync()
    {
        opened ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (emptied is null or { Task.IsCompleted: true })
            emptied = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (inside == 0) emptied.TrySetResult();
        return emptied.Task;
    }

    private void OpenUnlessNeeded()
    {
        if (isPaused || isInDoubt || isClosed || alone > 0) return;
        opened?.TrySetResult();
        opened = null;
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
