using EventStore.Leases;

namespace EventStore.Dispatch;

/// <summary>
/// Dispatches commits while this process holds the lease. Commits are read from the engine after the watermark, never from a caller's
/// memory, so that first delivery and recovery after a crash are the same loop.
/// </summary>
/// <remarks>
/// The loop is <i>watching</i> while another process holds the lease, and <i>leading</i> while this one does. Each time of leading is a
/// term.
/// </remarks>
internal sealed class DispatchScheduler(Lease<DispatchProgress> lease, UndispatchedCommits commits, DispatchBus bus) : IAsyncDisposable
{
    private readonly CancellationTokenSource stopping = new();
    private readonly TaskCompletionSource firstDecision = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock gate = new();
    private Task? running;
    private volatile DispatchTerm? leading;

    public bool IsLeading => leading is not null;

    public int ConsecutiveFailures => bus.Report.ConsecutiveFailures;

    /// <summary>Starts the loop. Returns as soon as it is known whether this process leads.</summary>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        lock (gate) running ??= Task.Run(RunAsync, CancellationToken.None);
        return firstDecision.Task.WaitAsync(cancellationToken);
    }

    /// <summary>
    /// Waits until everything up to a checkpoint is dispatched. Returns at once if dispatch fails, or another process dispatches.
    /// </summary>
    public ValueTask WaitUntilDispatchedAsync(Checkpoint checkpoint)
    {
        if (leading is not { } term) return default;
        var waiting = term.WaitUntilDispatchedAsync(checkpoint);

        // The loop may have failed or lost the lease before the wait was added.
        if (bus.Report.IsFailing || leading != term) term.CallOffWaiting();
        return new(waiting);
    }

    /// <summary>Begins to wait until everything up to a checkpoint is dispatched, or until that may no longer happen here.</summary>
    /// <returns>Whether this process dispatches.</returns>
    public bool TryWaitFor(Checkpoint checkpoint, out Task dispatched)
    {
        var term = leading;
        dispatched = term is null ? Task.CompletedTask : term.WaitForAsync(checkpoint);
        if (leading != term) term?.CallOffWaiting();
        return term is not null;
    }

    /// <summary>Adds what is dispatched here and not written yet to a progress that was read.</summary>
    public void AddUnwritten(DispatchProgress progress) => leading?.AddUnwritten(progress);

    /// <summary>Dispatches a stored commit, or a part of it, again.</summary>
    public ValueTask DispatchAgainAsync(IReadOnlyList<RecordedEvent> commit, CancellationToken cancellationToken) =>
        commits.DispatchAgainAsync(commit, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        if (running is not null) await running.ConfigureAwait(false);
        stopping.Dispose();
    }

    private async Task RunAsync()
    {
        var watch = new Lease<DispatchProgress>.Watch();
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                if (await lease.TryAcquireAsync(watch, stopping.Token).ConfigureAwait(false)) await LeadAsync().ConfigureAwait(false);
                firstDecision.TrySetResult();
                await lease.WaitAsync(watch, stopping.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                break;
            }
            catch (Exception error)
            {
                firstDecision.TrySetResult();
                bus.Report.LogLoopFailed(error, lease.PollInterval);
                await Task.Delay(lease.PollInterval, lease.Time, stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        firstDecision.TrySetResult();
    }

    private async Task LeadAsync()
    {
        var term = new DispatchTerm(lease, commits, bus);
        bus.Report.ForgetFailures();
        leading = term;
        firstDecision.TrySetResult();
        bus.Report.LogLeaseTaken(new Checkpoint(lease.Ledger.Known.Watermark));
        await term.RunAsync(() => leading = null, stopping.Token).ConfigureAwait(false);
    }
}
