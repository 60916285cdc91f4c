using EventStore.Diagnostics;
using EventStore.Leases;
using Microsoft.Extensions.Logging;

namespace EventStore.Retention;

/// <summary>Applies the retention policies at an interval, until the store is closed. A failure is logged, and tried again later.</summary>
internal sealed class RetentionLoop : IAsyncDisposable
{
    private readonly CancellationTokenSource stopping = new();
    private readonly Task running;

    public RetentionLoop(EventRetention retention, TimeSpan interval, TimeProvider time, ILogger logger) =>
        running = BackgroundWork.Start(() => RunAsync(retention, interval, time, logger));

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stopping.Dispose();
    }

    private async Task RunAsync(EventRetention retention, TimeSpan interval, TimeProvider time, ILogger logger)
    {
        while (!stopping.IsCancellationRequested)
        {
            await Task.Delay(interval, time, stopping.Token).ConfigureAwait(false);
            try
            {
                var report = await retention.ApplyAsync(stopping.Token).ConfigureAwait(false);
                if (report.Streams > 0) Log.Retained(logger, report.Streams, report.Events);
            }
            catch (Exception error) when (!stopping.IsCancellationRequested)
            {
                // Whatever it is, the next application may succeed; an end of the loop would go unnoticed.
                Log.RetentionFailed(logger, error, interval);
            }
        }
    }
}
