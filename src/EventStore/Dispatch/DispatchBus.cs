using EventStore.Deliveries;
using EventStore.Diagnostics;

namespace EventStore.Dispatch;

/// <summary>The application's bus: how commits are passed to it, and what is measured and logged about that.</summary>
internal sealed class DispatchBus(DispatchTarget target, DispatchOptions options, DispatchReport report)
{
    public DispatchOptions Options => options;

    public DispatchReport Report => report;

    public RetryPolicy RetryPolicy { get; } = new(options.FirstRetryDelay, options.MaxRetryDelay, options.ParkAfterFailures);

    public async ValueTask DispatchAsync(Commit commit, CancellationToken cancellationToken)
    {
        using var activity = DispatchReport.StartDispatch(commit.Stream);
        await target.Dispatcher.DispatchAsync(commit, cancellationToken).ConfigureAwait(false);
        report.Dispatched();
    }
}
