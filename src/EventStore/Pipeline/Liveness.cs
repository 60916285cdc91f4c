namespace EventStore.Pipeline;

/// <summary>Whether the store still lives; shared by its parts.</summary>
internal sealed class Liveness
{
    private int disposed;

    /// <summary>Ends the life; answers whether it was this call that did.</summary>
    public bool TryEnd() => Interlocked.Exchange(ref disposed, 1) == 0;

    public void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(Volatile.Read(ref disposed) != 0, typeof(IEventStore));
}
