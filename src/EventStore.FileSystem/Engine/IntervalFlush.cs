using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Engine;

/// <summary>Flushes a store at an interval, beside the writer. A failed flush faults the store, which then takes no more writes.</summary>
internal sealed class IntervalFlush : IAsyncDisposable
{
    private readonly PeriodicTimer timer;
    private readonly Task flushing;

    public IntervalFlush(OpenStore store, TimeSpan interval, TimeProvider time)
    {
        timer = new PeriodicTimer(interval, time);
        flushing = Task.Run(() => FlushAsync(store));
    }

    public async ValueTask DisposeAsync()
    {
        timer.Dispose();
        await flushing.ConfigureAwait(false);
    }

    private async Task FlushAsync(OpenStore store)
    {
        while (await timer.WaitForNextTickAsync().ConfigureAwait(false))
        {
            try
            {
                store.SyncNow();
            }
            catch (BatchOutcomeUnknownException)
            {
                return; // The store is faulted and says so to whoever writes next.
            }
        }
    }
}
