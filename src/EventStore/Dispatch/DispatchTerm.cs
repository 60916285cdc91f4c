using EventStore.Deliveries;
using EventStore.Diagnostics;
using EventStore.Leases;

namespace EventStore.Dispatch;

/// <summary>
/// The time in which this process holds the dispatch lease. One reader fills the lanes with units, in the order of the store. Each unit is
/// dispatched, or parked after too many failures. Then progress is written.
/// </summary>
internal sealed class DispatchTerm : IDelivery<DispatchUnit>
{
    private readonly Lease<DispatchProgress> lease;
    private readonly UndispatchedCommits commits;
    private readonly DispatchBus bus;
    private readonly DispatchTracker tracker;
    private readonly ProgressWriter<DispatchProgress> writer;
    private readonly Retries<DispatchUnit> retries;

    // Not completed while it is unknown whether another process has taken over; null otherwise.
    private volatile TaskCompletionSource? doubt;
    private long writeFailedAt;
    private volatile bool hasWriteFailed;

    public DispatchTerm(Lease<DispatchProgress> lease, UndispatchedCommits commits, DispatchBus bus)
    {
        (this.lease, this.commits, this.bus) = (lease, commits, bus);
        tracker = new DispatchTracker(lease.Ledger.Known.Watermark);
        writer = new ProgressWriter<DispatchProgress>(lease, tracker, bus.Options.CommitsPerProgressWrite);
        retries = new Retries<DispatchUnit>(this, bus.RetryPolicy);
    }

    private DispatchReport Report => bus.Report;

    /// <summary>Dispatches until it is stopped, fails, or the lease is lost.</summary>
    /// <param name="ending">
    /// Called as soon as one of these happens, before running dispatches have ended. Gets what reading or dispatching threw, or null.
    /// </param>
    /// <param name="stopping">Stops it.</param>
    public async Task RunAsync(Action<Exception?> ending, CancellationToken stopping)
    {
        using var term = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var holding = lease.HoldAsync(SetDoubt, term.Token);
        var dispatching = DispatchAsync(term.Token);
        try
        {
            await Task.WhenAny(holding, dispatching).ConfigureAwait(false);
        }
        finally
        {
            ending(dispatching.Exception?.InnerException);
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
    /// Waits until everything up to a checkpoint is dispatched. Returns at once if dispatch fails or it was called by a dispatch, and after
    /// a try if the lease is in doubt.
    /// </summary>
    public Task WaitUntilDispatchedAsync(Checkpoint checkpoint) =>
        bus.Calls.IsInside || Report.IsFailing ? Task.CompletedTask
        : doubt is null ? tracker.WaitForAsync(checkpoint.Value)
        : SettleDoubtAsync(checkpoint);

    /// <summary>Waits until everything up to a checkpoint is dispatched, or until waiting is called off.</summary>
    public Task WaitForAsync(Checkpoint checkpoint) => tracker.WaitForAsync(checkpoint.Value);

    public void CallOffWaiting() => tracker.CallOffWaiting();

    /// <summary>A progress that was read, together with what is dispatched and not written yet.</summary>
    public DispatchProgress WithUnwritten(DispatchProgress progress) => tracker.Take().AddTo(progress);

    public ValueTask DeliverAsync(DispatchUnit unit, CancellationToken cancellationToken)
    {
        if (doubt is not null) return DeliverLaterAsync(unit, cancellationToken);
        var dispatching = bus.DispatchAsync(unit.Commit, cancellationToken);
        return dispatching.IsCompletedSuccessfully ? default : FollowAsync(dispatching, unit, cancellationToken);
    }

    public async ValueTask<bool> WaitForRetryAsync(
        DispatchUnit unit, FailedDelivery failed, TimeSpan delay, CancellationToken cancellationToken)
    {
        Report.LogRetry(failed.Error, unit.Commit, failed.Failures, delay);
        await Task.Delay(delay, lease.Time, cancellationToken).ConfigureAwait(false);
        try
        {
            return !await commits.IsSettledElsewhereAsync(unit, cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException error) when (Outage.Explains(error))
        {
            return true;
        }
    }

    // The first try may have begun before the storage could be reached again. If the second one fails too, the commit is not held back.
    private async Task SettleDoubtAsync(Checkpoint checkpoint)
    {
        for (var tries = 0; tries < 2 && doubt is not null; tries++) await lease.TryRenewNowAsync().ConfigureAwait(false);
        if (doubt is null) await tracker.WaitForAsync(checkpoint.Value).ConfigureAwait(false);
    }

    private async ValueTask DeliverLaterAsync(DispatchUnit unit, CancellationToken cancellationToken)
    {
        while (doubt is { } unsure) await unsure.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        await DeliverAsync(unit, cancellationToken).ConfigureAwait(false);
    }

    private void SetDoubt(bool isInDoubt)
    {
        if (isInDoubt == doubt is not null) return;
        if (isInDoubt)
        {
            doubt = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            tracker.CallOffWaiting();
        }
        else
        {
            var unsure = doubt;
            doubt = null;
            unsure?.TrySetResult();
        }
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
            unit.RecordFailure();
            tracker.CallOffWaiting();
            throw;
        }
    }

    private Task DispatchAsync(CancellationToken cancellationToken) => bus.Calls.RunAsync(
        () => Lanes<DispatchUnit>.RunAsync(bus.Options.Parallelism, FillAsync, WorkAsync, cancellationToken));

    // Waits while the storage is unavailable. Commits that wait for their dispatch are released when that takes long.
    private async Task FillAsync(Lanes<DispatchUnit> lanes, CancellationToken cancellationToken)
    {
        var reading = new Reading(new Checkpoint(tracker.Watermark));
        var (failedSince, delay) = ((long?)null, TimeSpan.Zero);
        while (true)
        {
            try
            {
                await ReadOnAsync(reading, lanes, cancellationToken).ConfigureAwait(false);
                failedSince = null;
                await commits.WaitForCommitsAsync(reading.Position, lease.PollInterval, cancellationToken).ConfigureAwait(false);
            }
            catch (StorageException error) when (Outage.Explains(error))
            {
                delay = failedSince is null ? bus.RetryPolicy.FirstDelay : delay * 2;
                if (delay > lease.PollInterval) delay = lease.PollInterval;
                Report.LogStorageFailure(error, delay);
                failedSince ??= lease.Time.GetTimestamp();
                if (lease.Time.GetElapsedTime(failedSince.Value) >= lease.Term) tracker.CallOffWaiting();
                await Task.Delay(delay, lease.Time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task ReadOnAsync(Reading reading, Lanes<DispatchUnit> lanes, CancellationToken cancellationToken)
    {
        tracker.BeginReading();
        await foreach (var page in commits.ReadAsync(reading.Position, cancellationToken).ConfigureAwait(false))
        {
            for (var i = 0; i < page.Events.Length; i++)
            {
                if (reading.Assembly.Complete(page.Events.Span[i]) is not { } commit) continue;
                foreach (var unit in commits.UnitsOf(commit))
                {
                    tracker.Add(unit);
                    await lanes.WriteAsync(unit.Commit.Stream, unit, cancellationToken).ConfigureAwait(false);
                }
            }

            reading.EndPage(page.Position);
            if (reading.Assembly.IsEmpty) tracker.ScannedTo(page.Position.Value);
        }

        tracker.EndReading();
        await WriteIfDueAsync(cancellationToken).ConfigureAwait(false);
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

    private ValueTask WriteIfDueAsync(CancellationToken cancellationToken) =>
        writer.IsDue && !IsPausing() ? WriteAsync(cancellationToken) : default;

    // If it fails, a later write includes it; commits are dispatched again only if the process ends before.
    private async ValueTask WriteAsync(CancellationToken cancellationToken)
    {
        try
        {
            await writer.WriteAsync(cancellationToken).ConfigureAwait(false);
            hasWriteFailed = false;
        }
        catch (StorageException error)
        {
            Volatile.Write(ref writeFailedAt, lease.Time.GetTimestamp());
            hasWriteFailed = true;
            Report.LogStorageFailure(error, lease.PollInterval);
        }
    }

    // A try may take long while the storage cannot be reached, and dispatches wait for it.
    private bool IsPausing() =>
        hasWriteFailed && lease.Time.GetElapsedTime(Volatile.Read(ref writeFailedAt)) < lease.PollInterval;

    /// <summary>How far the store was read, and the commit that was read in part.</summary>
    private sealed class Reading(Checkpoint position)
    {
        public Checkpoint Position { get; private set; } = position;

        public CommitAssembly Assembly { get; } = new();

        public void EndPage(Checkpoint at)
        {
            Position = at;
            Assembly.EndPage(at);
        }
    }
}
