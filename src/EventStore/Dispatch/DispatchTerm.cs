using EventStore.Deliveries;
using EventStore.Diagnostics;
using EventStore.Leases;

namespace EventStore.Dispatch;

/// <summary>
/// The time in which this process holds the dispatch lease. One reader fills the lanes with units, in the order of the store; each unit is
/// dispatched, or parked after too many failures; then progress is written.
/// </summary>
internal sealed class DispatchTerm : IDelivery<DispatchUnit>
{
    // Marks a commit made by the application's own dispatcher, which must not wait for the lane in which it runs.
    private static readonly AsyncLocal<bool> IsInsideDispatch = new();

    private readonly Lease<DispatchProgress> lease;
    private readonly UndispatchedCommits commits;
    private readonly DispatchBus bus;
    private readonly DispatchTracker tracker;
    private readonly ProgressWriter<DispatchProgress> writer;
    private readonly Retries<DispatchUnit> retries;

    public DispatchTerm(Lease<DispatchProgress> lease, UndispatchedCommits commits, DispatchBus bus)
    {
        (this.lease, this.commits, this.bus) = (lease, commits, bus);
        tracker = new DispatchTracker(lease.Ledger.Known.Watermark);
        writer = new ProgressWriter<DispatchProgress>(lease, tracker, bus.Options.CommitsPerProgressWrite);
        retries = new Retries<DispatchUnit>(this, bus.RetryPolicy);
    }

    private DispatchReport Report => bus.Report;

    /// <summary>Dispatches until it is stopped, fails, or the lease is lost.</summary>
    /// <param name="ending">Called as soon as one of these happens, before running dispatches have ended.</param>
    /// <param name="stopping">Stops it.</param>
    public async Task RunAsync(Action ending, CancellationToken stopping)
    {
        using var term = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var holding = lease.HoldAsync(term.Token);
        var dispatching = DispatchAsync(term.Token);
        try
        {
            await Task.WhenAny(holding, dispatching).ConfigureAwait(false);
        }
        finally
        {
            ending();
            tracker.CallOffWaiting();
            await term.CancelAsync().ConfigureAwait(false);
        }

        await ((Task)holding).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await dispatching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (holding.IsCompletedSuccessfully) Report.LogLeaseLost(await holding.ConfigureAwait(false));
        else if (await writer.TryWriteAsync(CancellationToken.None).ConfigureAwait(false)) await lease.ReleaseAsync().ConfigureAwait(false);
        if (dispatching.IsFaulted) await dispatching.ConfigureAwait(false);
    }

    /// <summary>
    /// Waits until everything up to a checkpoint is dispatched. Returns at once if dispatch fails, or the caller runs inside a dispatch.
    /// </summary>
    public Task WaitUntilDispatchedAsync(Checkpoint checkpoint) =>
        IsInsideDispatch.Value || Report.IsFailing ? Task.CompletedTask : tracker.WaitForAsync(checkpoint.Value);

    /// <summary>Waits until everything up to a checkpoint is dispatched, or until waiting is called off.</summary>
    public Task WaitForAsync(Checkpoint checkpoint) => tracker.WaitForAsync(checkpoint.Value);

    public void CallOffWaiting() => tracker.CallOffWaiting();

    /// <summary>Adds what is dispatched and not written yet to a progress that was read.</summary>
    public void AddUnwritten(DispatchProgress progress) => tracker.Take().WriteTo(progress);

    public ValueTask DeliverAsync(DispatchUnit unit, CancellationToken cancellationToken)
    {
        var dispatching = bus.DispatchAsync(unit.Commit, cancellationToken);
        return dispatching.IsCompletedSuccessfully ? default : FollowAsync(dispatching, unit, cancellationToken);
    }

    public async ValueTask<bool> WaitForRetryAsync(
        DispatchUnit unit, FailedDelivery failed, TimeSpan delay, CancellationToken cancellationToken)
    {
        Report.LogRetry(failed.Error, unit.Commit, failed.Failures, delay);
        await Task.Delay(delay, lease.Time, cancellationToken).ConfigureAwait(false);
        return !await commits.IsSettledElsewhereAsync(unit, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask FollowAsync(ValueTask dispatching, DispatchUnit unit, CancellationToken cancellationToken)
    {
        try
        {
            await dispatching.ConfigureAwait(false);
        }
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
        {
            Report.Failed();
            if (!unit.HasFailed) Report.UnitStartedFailing();
            unit.HasFailed = true;
            tracker.CallOffWaiting();
            throw;
        }
    }

    private async Task DispatchAsync(CancellationToken cancellationToken)
    {
        IsInsideDispatch.Value = true;
        await Lanes<DispatchUnit>.RunAsync(bus.Options.Parallelism, FillAsync, WorkAsync, cancellationToken).ConfigureAwait(false);
    }

    private async Task FillAsync(Lanes<DispatchUnit> lanes, CancellationToken cancellationToken)
    {
        var position = new Checkpoint(tracker.Watermark);
        var assembly = new CommitAssembly();
        while (true)
        {
            tracker.IsCaughtUp = false;
            await foreach (var page in commits.ReadAsync(position, cancellationToken).ConfigureAwait(false))
            {
                for (var i = 0; i < page.Events.Length; i++)
                {
                    if (assembly.Complete(page.Events.Span[i]) is not { } commit) continue;
                    foreach (var unit in commits.UnitsOf(commit))
                    {
                        tracker.Add(unit);
                        await lanes.WriteAsync(unit.Commit.Stream, unit, cancellationToken).ConfigureAwait(false);
                    }
                }

                position = page.Position;
                assembly.EndPage(position);
                if (assembly.IsEmpty) tracker.ScannedTo(position.Value);
                Report.SetBacklog(page.Head.Value - tracker.Watermark);
            }

            tracker.IsCaughtUp = true;
            Report.SetBacklog(position.Value - tracker.Watermark);
            await WriteIfDueAsync(cancellationToken).ConfigureAwait(false);
            await commits.WaitForCommitsAsync(position, lease.PollInterval, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask WorkAsync(DispatchUnit unit, CancellationToken cancellationToken)
    {
        FailedDelivery? parked;
        try
        {
            parked = await retries.RunAsync(unit, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            if (unit.HasFailed) Report.UnitEndedFailing();
        }

        if (parked is null)
        {
            tracker.Finish(unit);
        }
        else
        {
            Report.LogParked(parked.Error, unit.Commit, parked.Failures);
            tracker.Park(unit);
        }

        await WriteIfDueAsync(cancellationToken).ConfigureAwait(false);
    }

    private ValueTask WriteIfDueAsync(CancellationToken cancellationToken) => writer.IsDue ? writer.WriteAsync(cancellationToken) : default;
}
