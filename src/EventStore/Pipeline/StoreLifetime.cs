using System.Runtime.ExceptionServices;

namespace EventStore.Pipeline;

/// <summary>Whether the store is open, and which parts are disposed with it. The part that was added last is disposed first.</summary>
internal sealed class StoreLifetime
{
    private Stack<IAsyncDisposable> owned = new();
    private readonly List<Func<string?>> callers = [];
    private readonly SharedEnd ending;
    private int ended;

    public StoreLifetime() => ending = new SharedEnd(DisposeAllAsync);

    /// <summary>Adds a part that is disposed with the store. Called only while the store is built.</summary>
    public T Own<T>(T part) where T : class, IAsyncDisposable
    {
        owned.Push(part);
        return part;
    }

    /// <summary>
    /// Adds a part that calls the application. Called only while the store is built. The function names the part if the present code was
    /// called by it, and returns null otherwise.
    /// </summary>
    public void RefuseFrom(Func<string?> findCaller) => callers.Add(findCaller);

    /// <exception cref="ObjectDisposedException">The store is disposed.</exception>
    public void ThrowIfEnded() => ObjectDisposedException.ThrowIf(Volatile.Read(ref ended) != 0, typeof(IEventStore));

    /// <summary>
    /// Closes the store and disposes its parts, all of them even if one fails: the storage below must be released. The first failure is
    /// thrown at the end. Later calls, also ones that come meanwhile, wait for the same end. Parts that did not stop in time are waited for
    /// again.
    /// </summary>
    /// <exception cref="CalledFromInsideException">A handler, a dispatcher or a hook called it, which still needs the store.</exception>
    /// <exception cref="NotStoppedException">A handler or a dispatcher is still running.</exception>
    public ValueTask EndAsync()
    {
        foreach (var find in callers)
        {
            if (find() is { } caller) throw new CalledFromInsideException("IEventStore.DisposeAsync", caller);
        }

        Volatile.Write(ref ended, 1);
        return new(ending.RunAsync());
    }

    private async Task DisposeAllAsync()
    {
        Exception? first = null;
        var running = new Stack<IAsyncDisposable>();
        while (owned.TryPop(out var part))
        {
            try
            {
                await part.DisposeAsync().ConfigureAwait(false);
            }
            catch (Exception error)
            {
                first ??= error;
                if (error is NotStoppedException) running.Push(part);
            }
        }

        owned = new(running);

        if (first is not null) ExceptionDispatchInfo.Throw(first);
    }
}
