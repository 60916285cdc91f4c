using System.Diagnostics.CodeAnalysis;

namespace EventStore.Engines;

/// <summary>
/// The life of an engine: not initialized, opened, disposed. For engines: every member asks for what is open, and gets the exception that
/// the contract names where nothing is (G48).
/// </summary>
/// <typeparam name="TOpened">What the engine holds while it is open.</typeparam>
public sealed class EngineLifetime<TOpened>
    where TOpened : class
{
    private volatile TOpened? opened;
    private volatile bool isDisposed;
    private readonly TaskCompletionSource closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Whether <see cref="End"/> was called.</summary>
    public bool IsDisposed => isDisposed;

    /// <summary>What is open; null before <see cref="Open"/> and after <see cref="TakeOpened"/>.</summary>
    public TOpened? Opened => opened;

    /// <summary>Records that the engine is open. Replaces what was open before.</summary>
    /// <param name="state">What the engine holds from now on.</param>
    public void Open(TOpened state)
    {
        ArgumentNullException.ThrowIfNull(state);
        opened = state;
    }

    /// <summary>Refuses a call after dispose. For InitializeAsync; other members call <see cref="RequireOpened"/>.</summary>
    /// <exception cref="ObjectDisposedException">The engine is disposed.</exception>
    public void RequireNotDisposed() => ObjectDisposedException.ThrowIf(isDisposed, typeof(IPersistenceEngine));

    /// <summary>Returns what is open.</summary>
    /// <param name="cancellationToken">The token of the call; checked after dispose and before initialization.</param>
    /// <exception cref="ObjectDisposedException">The engine is disposed.</exception>
    /// <exception cref="OperationCanceledException">The token is canceled.</exception>
    /// <exception cref="InvalidOperationException">The engine is not initialized.</exception>
    public TOpened RequireOpened(CancellationToken cancellationToken = default)
    {
        RequireNotDisposed();
        cancellationToken.ThrowIfCancellationRequested();
        return opened ?? throw new InvalidOperationException(
            "The engine is not initialized. Call InitializeAsync first; a store built by BuildAsync has done so.");
    }

    /// <summary>Records that the engine is disposed. Returns true for the first call only.</summary>
    public bool End() => !Interlocked.Exchange(ref isDisposed, true);

    /// <summary>
    /// Ends the engine, and closes what it holds, once. For DisposeAsync: every caller waits until it is closed, also one that comes while
    /// it is being closed, and gets the failure.
    /// </summary>
    /// <param name="close">Closes what the engine holds. Called once.</param>
    public ValueTask EndAsync(Func<ValueTask> close)
    {
        ArgumentNullException.ThrowIfNull(close);
        if (End()) _ = CloseAsync(close);
        return new(closed.Task);
    }

    private async Task CloseAsync(Func<ValueTask> close)
    {
        try
        {
            await close().ConfigureAwait(false);
            closed.SetResult();
        }
        catch (Exception error)
        {
            closed.SetException(error);
        }
    }

    /// <summary>Hands over what is open, so that it is closed once. False where nothing is open, or it was taken before.</summary>
    /// <param name="state">What is to be closed.</param>
    public bool TakeOpened([NotNullWhen(true)] out TOpened? state) => (state = Interlocked.Exchange(ref opened, null)) is not null;
}
