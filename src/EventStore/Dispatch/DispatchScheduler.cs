using EventStore.Leases;
using EventStore.Pipeline;

namespace EventStore.Dispatch;

/// <summary>
/// Dispatches commits while this process holds the lease. Commits are read from the engine after the watermark, never from a caller's
/// memory. So first delivery and recovery after a crash are the same loop.
/// </summary>
/// <remarks>
/// The loop is <i>undecided</i> until it could read the lease, <i>watching</i> while another process holds it, and <i>leading</i> while
/// this one does. Each time of leading is a term.
/// </remarks>
internal sealed class DispatchScheduler : IAsyncDisposable
{
    private readonly Lease<DispatchProgress> lease;
    private readonly UndispatchedCommits commits;
    private readonly DispatchBus bus;
    private readonly CancellationTokenSource stopping = new();
    private readonly TaskCompletionSource firstDecision = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SharedEnd ending;
    private readonly Lock gate = new();
    private volatile Task? running;
    private volatile DispatchTerm? leading;
    private volatile Exception? failure;

    // Not null while the loop failed and pauses. A commit that waits for its dispatch ends the pause.
    private volatile Pause? pausing;

    public DispatchScheduler(Lease<DispatchProgress> lease, UndispatchedCommits commits, DispatchBus bus)
    {
        (this.lease, this.commits, this.bus) = (lease, commits, bus);
        ending = new SharedEnd(StopAsync);
    }

    public bool IsLeading => leading is not null;

    public int ConsecutiveFailures => bus.Report.ConsecutiveFailures;

    /// <summary>What the loop last threw; null while it works.</summary>
    public Exception? Failure => failure;

    /// <summary>Whether the present code was called by the dispatcher.</summary>
    public bool IsInside => bus.Calls.IsInside;

    /// <summary>Starts the loop. Returns as soon as it is known whether this process leads.</summary>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        lock (gate) running ??= BackgroundWork.Start(RunAsync);
        return firstDecision.Task.WaitAsync(cancellationToken);
    }

    /// <summary>
    /// Waits until everything up to a checkpoint is dispatched. Returns at once if dispatch fails, or another process dispatches.
    /// </summary>
    public ValueTask WaitUntilDispatchedAsync(Checkpoint checkpoint)
    {
        if (pausing is { } pause && leading is null && !bus.Calls.IsInside) return TryAgainAsync(pause, checkpoint);
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

    /// <summary>A progress that was read, together with what is dispatched here and not written yet.</summary>
    public DispatchProgress WithUnwritten(DispatchProgress progress) => leading?.WithUnwritten(progress) ?? progress;

    /// <summary>Dispatches a stored commit, or a part of it, again.</summary>
    public ValueTask DispatchAgainAsync(IReadOnlyList<RecordedEvent> commit, CancellationToken cancellationToken) =>
        commits.DispatchAgainAsync(commit, cancellationToken);

    public ValueTask DisposeAsync() => new(ending.RunAsync());

    private async Task StopAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        if (running is { } loop)
        {
            await loop.WaitAsync(bus.Options.StopTimeout, lease.Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!loop.IsCompleted)
            {
                bus.Report.LogNotStopped(bus.Options.StopTimeout);
                throw new NotStoppedException("The dispatch scheduler", bus.Options.StopTimeout);
            }

            await loop.ConfigureAwait(false);
        }

        lease.Dispose();
        stopping.Dispose();
    }

    private async ValueTask TryAgainAsync(Pause pause, Checkpoint checkpoint)
    {
        pause.Ended.TrySetResult();
        await pause.Decided.Task.ConfigureAwait(false);
        if (leading is not null) await WaitUntilDispatchedAsync(checkpoint).ConfigureAwait(false);
    }

    private async Task RunAsync()
    {
        try
        {
            await WatchAndLeadAsync().ConfigureAwait(false);
        }
        catch (Exception error)
        {
            failure = error;
            bus.Report.LogEnded(error);
            throw;
        }
        finally
        {
            firstDecision.TrySetResult();
            pausing?.Decided.TrySetResult();

            // Also where the store was closed before the dispatcher returned: a store that is built again need not wait for the term.
            lease.Dispose();
        }
    }

    private async Task WatchAndLeadAsync()
    {
        var watch = new Lease<DispatchProgress>.Watch();
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                if (await lease.TryAcquireAsync(watch, stopping.Token).ConfigureAwait(false)) await LeadAsync().ConfigureAwait(false);
                else Decide();
                await lease.WaitAsync(watch, stopping.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                break;
            }
            catch (Exception error)
            {
                await PauseAsync(error).ConfigureAwait(false);
            }
        }
    }

    private async Task PauseAsync(Exception error)
    {
        failure = error;
        var before = pausing;
        var pause = new Pause();
        pausing = pause;
        before?.Decided.TrySetResult();
        firstDecision.TrySetResult();
        bus.Report.LogLoopFailed(error, lease.PollInterval);
        await pause.Ended.Task.WaitAsync(lease.PollInterval, lease.Time, stopping.Token)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    // It is known whether this process leads.
    private void Decide()
    {
        failure = null;
        var pause = pausing;
        pausing = null;
        pause?.Decided.TrySetResult();
        firstDecision.TrySetResult();
    }

    private async Task LeadAsync()
    {
        var term = new DispatchTerm(lease, commits, bus);
        bus.Report.ForgetFailures();
        leading = term;
        Decide();
        bus.Report.LogLeaseTaken(new Checkpoint(lease.Ledger.Known.Watermark));
        await term.RunAsync(End, stopping.Token).ConfigureAwait(false);
    }

    // The failure first: a status that shows no dispatch here also shows why.
    private void End(Exception? error)
    {
        if (error is not null) failure = error;
        leading = null;
    }

    private sealed class Pause
    {
        public TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Decided { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
