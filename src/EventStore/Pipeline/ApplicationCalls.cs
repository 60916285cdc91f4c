namespace EventStore.Pipeline;

/// <summary>
/// Knows whether the present code was called by a part of the store, as a handler, a dispatcher, a hook or a callback. Such code must not
/// wait for that part, which waits for it. Work that a handler leaves behind counts as called until the handler returns, and no longer.
/// </summary>
/// <remarks>A call has a mark, which flows with all that the call starts, and means nothing more when the call is over.</remarks>
internal sealed class ApplicationCalls
{
    private readonly AsyncLocal<object?> current = new();

    // The mark of the present call, where a caller has given one.
    private volatile object? given;

    /// <summary>Whether the present code was called by this part.</summary>
    public bool IsInside => current.Value is Call call ? !call.IsOver : current.Value is { } mark && mark == given;

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

    /// <summary>Calls the application once. What it throws is in the result.</summary>
    /// <param name="callee">What is called.</param>
    /// <param name="argument">What it is called with.</param>
    /// <param name="mark">
    /// An object that was never the mark of a call, which saves another one; null for none. Such calls follow one another. What a call
    /// leaves behind keeps its mark in memory.
    /// </param>
    /// <param name="cancellationToken">Passed on.</param>
    public ValueTask CallAsync<T>(
        Func<T, CancellationToken, ValueTask> callee, T argument, object? mark, CancellationToken cancellationToken)
    {
        var before = ExecutionContext.Capture();
        if (mark is null) mark = new Call();
        else given = mark;
        current.Value = mark;
        ValueTask running;
        try
        {
            running = callee(argument, cancellationToken);
        }
        catch (Exception error)
        {
            running = ValueTask.FromException(error);
        }
        finally
        {
            if (before is not null) ExecutionContext.Restore(before);
        }

        if (!running.IsCompletedSuccessfully) return FollowAsync(running, mark);
        End(mark);
        return running;
    }

    private async ValueTask FollowAsync(ValueTask running, object mark)
    {
        try
        {
            await running.ConfigureAwait(false);
        }
        finally
        {
            End(mark);
        }
    }

    private void End(object mark)
    {
        if (mark is Call call) call.End();
        else given = null;
    }

    private sealed class Call : IDisposable
    {
        private volatile bool isOver;

        public bool IsOver => isOver;

        public void End() => isOver = true;

        void IDisposable.Dispose() => End();
    }
}
