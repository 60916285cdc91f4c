using EventStore.Deliveries;
using EventStore.Diagnostics;
using EventStore.Pipeline;

namespace EventStore.Dispatch;

/// <summary>The application's bus: how commits are passed to it, and what is measured and logged about that.</summary>
internal sealed class DispatchBus(DispatchTarget target, DispatchOptions options, DispatchReport report)
{
    public DispatchOptions Options => options;

    public DispatchReport Report => report;

    /// <summary>What is called of the application. A commit that it makes there must not wait for the lane in which it runs.</summary>
    public ApplicationCalls Calls { get; } = new();

    public RetryPolicy RetryPolicy { get; } = new(options.FirstRetryDelay, options.MaxRetryDelay, options.ParkAfterFailures);

    public async ValueTask DispatchAsync(Commit commit, CancellationToken cancellationToken)
    {
        using var step = report.StartDispatch(commit.Stream);
        await Calls.CallAsync(target.Dispatcher.DispatchAsync, commit, cancellationToken).ConfigureAwait(false);
        report.Dispatched();
    }
}
