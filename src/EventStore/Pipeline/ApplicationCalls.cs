namespace EventStore.Pipeline;

/// <summary>
/// Knows whether the present code was called by a part of the store, as a handler, a dispatcher, a hook or a callback. Such code must not
/// wait for that part, which waits for it. Work that a handler leaves behind counts as called until the handler returns, and no longer.
/// </summary>
internal sealed class ApplicationCalls
{
    private readonly AsyncLocal<Call?> current = new();

    /// <summary>Whether the present code was called by this part.</summary>
    public bool IsInside => current.Value is { IsOver: false };

    /// <summary>Runs a loop of the part. Everything that it calls is inside.</summary>
    public async Task RunAsync(Func<Task> loop)
    {
        var call = new Call();
        current.Value = call;
        try
        {
            await loop().ConfigureAwait(false);
        }
        finally
        {
            call.End();
        }
    }

    /// <summary>Counts the rest of the calling asynchronous method as inside, until the result is disposed.</summary>
    public IDisposable Enter()
    {
        var call = new Call();
        current.Value = call;
        return call;
    }

    /// <summary>Calls the application once.</summary>
    public ValueTask CallAsync<T>(Func<T, CancellationToken, ValueTask> callee, T argument, CancellationToken cancellationToken)
    {
        var before = ExecutionContext.Capture();
        var call = new Call();
        current.Value = call;
        ValueTask running;
        try
        {
            running = callee(argument, cancellationToken);
        }
        catch
        {
            call.End();
            throw;
        }
        finally
        {
            if (before is not null) ExecutionContext.Restore(before);
        }

        if (!running.IsCompletedSuccessfully) return FollowAsync(running, call);
        call.End();
        return running;
    }

    private static async ValueTask FollowAsync(ValueTask running, Call call)
    {
        try
        {
            await running.ConfigureAwait(false);
        }
        finally
        {
            call.End();
        }
    }

    private sealed class Call : IDisposable
    {
        private volatile bool isOver;

        public bool IsOver => isOver;

        public void End() => isOver = true;

        void IDisposable.Dispose() => End();
    }
}
