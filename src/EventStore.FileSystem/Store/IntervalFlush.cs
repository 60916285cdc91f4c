using EventStore.FileSystem.Log;

namespace EventStore.FileSystem.Store;

/// <summary>Flushes a log at an interval, in the background. A failed flush faults the log, which then takes no more writes.</summary>
internal sealed class IntervalFlush : IAsyncDisposable
{
    private readonly SegmentedLog log;
    private readonly PeriodicTimer timer;
    private readonly Task flushing;

    public IntervalFlush(SegmentedLog log, TimeSpan interval, TimeProvider time)
    {
        this.log = log;
        timer = new PeriodicTimer(interval, time);
        flushing = BackgroundWork.Start(FlushAsync);
    }

    public async ValueTask DisposeAsync()
    {
        timer.Dispose();
        await flushing.ConfigureAwait(false);
    }

    private async Task FlushAsync()
    {
        while (await timer.WaitForNextTickAsync().ConfigureAwait(false))
        {
            try
            {
                log.SyncNow();
            }
            catch (BatchOutcomeUnknownException)
            {
                return; // The log is faulted, and the next write reports it.
            }
        }
    }
}
