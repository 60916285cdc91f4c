using System.Runtime.ExceptionServices;

namespace EventStore.Pipeline;

/// <summary>Whether the store is open, and which parts are disposed with it. The part that was added last is disposed first.</summary>
internal sealed class StoreLifetime
{
    private readonly Stack<IAsyncDisposable> owned = new();
    private int ended;

    /// <summary>Adds a part that is disposed with the store. Called only while the store is built.</summary>
    public T Own<T>(T part) where T : class, IAsyncDisposable
    {
        owned.Push(part);
        return part;
    }

    /// <exception cref="ObjectDisposedException">The store is disposed.</exception>
    public void ThrowIfEnded() => ObjectDisposedException.ThrowIf(Volatile.Read(ref ended) != 0, typeof(IEventStore));

    /// <summary>
    /// Closes the store and disposes its parts, all of them even if one fails: the storage below must be released. The first failure is
    /// thrown at the end. A second call does nothing.
    /// </summary>
    public async ValueTask EndAsync()
    {
        if (Interlocked.Exchange(ref ended, 1) != 0) return;
        Exception? first = null;
        while (owned.TryPop(out var part))
        {
            try
            {
                await part.DisposeAsync().ConfigureAwait(false);
            }
            catch (Exception error)
            {
                first ??= error;
            }
        }

        if (first is not null) ExceptionDispatchInfo.Throw(first);
    }
}
