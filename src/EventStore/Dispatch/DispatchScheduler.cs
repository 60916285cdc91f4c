using System.Threading.Channels;
using EventStore.Diagnostics;
using EventStore.Leases;
using EventStore.Pipeline;
using Microsoft.Extensions.Logging;

namespace EventStore.Dispatch;

/// <summary>
/// Hands commits to the bus: reads them from the engine behind the watermark, in order, and writes down what is done. First delivery and
/// recovery after a crash are the same loop; nothing is dispatched from a committer's memory.
/// </summary>
/// <remarks>
/// The loop is <i>watching</i> while another process holds the lease, and <i>leading</i> while this one does. Leading, one reader feeds as many
/// lanes as streams may be dispatched at once; a stream always takes the same lane, which keeps its order.
/// </remarks>
internal sealed class DispatchScheduler(
    IPersistenceEngine engine, ReadPath reads, Ledger<DispatchProgress> ledger, DispatchTarget target, DispatchOptions options, TimeProvider time, Telemetry telemetry, ILogger logger)
    : IAsyncDisposable
{
    private const int LaneCapacity = 64;

    // Tells a commit made by the bus's own handler, which must not wait for the lane that runs it.
    private static readonly AsyncLocal<bool> IsInsideDispatch = new();

    private readonly Lease<DispatchProgress> lease = new(ledger, options.LeaseTerm, options.PollInterval, time);
    private readonly CancellationTokenSource stopping = new();
    private readonly TaskCompletionSource firstDecision = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock gate = new();
    private Task? running;
    private volatile DispatchTracker? leadingTracker;
    private volatile bool isCaughtUp;
    private int consecutiveFailures;
    private int failingUnits;

    public bool IsLeading => leadingTracker is not null;

    public int ConsecutiveFailures => Volatile.Read(ref consecutiveFailures);

    /// <summary>Starts the loop; returns once it is known whether this process leads.</summary>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        lock (gate) running ??= Task.Run(RunAsync, CancellationToken.None);
        return firstDecision.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Returns when everything up to a checkpoint is dispatched; at once if that cannot be waited for: the bus fails, or another process dispatches.</summary>
    public ValueTask WaitUntilDispatchedAsync(Checkpoint checkpoint)
    {
        if (IsInsideDispatch.Value || Volatile.Read(ref failingUnits) > 0 || leadingTracker is not { } tracker) return default;
        var waiting = tracker.WaitForAsync(checkpoint.Value);

        // The loop may have failed or lost the lease before the wait was known to it.
        if (Volatile.Read(ref failingUnits) > 0 || leadingTracker != tracker) tracker.CallOffWaiting();
        return new(waiting);
    }

    /// <summary>Adds to a progress that was read what is done here and not yet written down.</summary>
    public void AddUnwritten(DispatchProgress progress) => leadingTracker?.WriteTo(progress);

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
                await Task.Delay(lease.WaitAfter(watch), time, stopping.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                break;
            }
            catch (Exception error)
            {
                firstDecision.TrySetResult();
                Log.DispatchLoopFailed(logger, error, options.PollInterval);
                await Task.Delay(options.PollInterval, time, stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        firstDecision.TrySetResult();
    }

    private async Task LeadAsync()
    {
        var tracker = new DispatchTracker(ledger.Known.Watermark);
        Volatile.Write(ref consecutiveFailures, 0);
        leadingTracker = tracker;
        firstDecision.TrySetResult();
        Log.LeaseTaken(logger, new Checkpoint(ledger.Known.Watermark));

        using var term = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token);
        var holding = lease.HoldAsync(term.Token);
        var dispatching = DispatchAsync(tracker, term.Token);
        try
        {
            await Task.WhenAny(holding, dispatching).ConfigureAwait(false);
        }
        finally
        {
            leadingTracker = null;
            tracker.CallOffWaiting();
            await term.CancelAsync().ConfigureAwait(false);
        }

        await ((Task)holding).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await dispatching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (holding.IsCompletedSuccessfully) Log.LeaseLost(logger, await holding.ConfigureAwait(false));
        else if (await TryWriteProgressAsync(tracker, CancellationToken.None).ConfigureAwait(false)) await lease.ReleaseAsync().ConfigureAwait(false);
        if (dispatching.IsFaulted) await dispatching.ConfigureAwait(false);
    }

    private async Task DispatchAsync(DispatchTracker tracker, CancellationToken cancellationToken)
    {
        using var failing = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var lanes = Enumerable.Range(0, options.Parallelism)
            .Select(_ => Channel.CreateBounded<DispatchUnit>(new BoundedChannelOptions(LaneCapacity) { SingleReader = true, SingleWriter = true }))
            .ToArray();
        Task[] working = [FeedAsync(lanes, tracker, failing.Token), .. lanes.Select(lane => WorkAsync(lane.Reader, tracker, failing.Token))];
        var first = await Task.WhenAny(working).ConfigureAwait(false);
        await failing.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(working).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await first.ConfigureAwait(false);
    }

    // Reads what is stored behind the watermark, and hands whole units to the lanes.
    private async Task FeedAsync(Channel<DispatchUnit>[] lanes, DispatchTracker tracker, CancellationToken cancellationToken)
    {
        var position = new Checkpoint(tracker.Watermark);
        var assembly = new List<RecordedEvent>();
        while (true)
        {
            isCaughtUp = false;
            await foreach (var page in reads.ReadAllPagesAsync(
                EventFilter.Everything, position, Checkpoint.Max, ReadDirection.Forward, ReadPath.MaxPageEvents, cancellationToken).ConfigureAwait(false))
            {
                for (var i = 0; i < page.Events.Length; i++)
                {
                    if (!CompletesCommit(assembly, page.Events.Span[i])) continue;
                    foreach (var unit in target.UnitsOf(assembly, reads, ledger.Known))
                    {
                        tracker.Add(unit);
                        await lanes[(uint)unit.Commit.Stream.GetHashCode() % lanes.Length].Writer.WriteAsync(unit, cancellationToken).ConfigureAwait(false);
                    }

                    assembly.Clear();
                }

                position = page.Position;

                // The rest of a commit that is cut here may be gone: then nothing of it will come.
                if (assembly.Count > 0 && position >= assembly[0].Commit.LastCheckpoint) assembly.Clear();
                if (assembly.Count == 0) tracker.ScannedTo(position.Value);
                telemetry.BacklogIs(page.Head.Value - tracker.Watermark);
            }

            isCaughtUp = true;
            telemetry.BacklogIs(position.Value - tracker.Watermark);
            await WriteProgressIfDueAsync(tracker, cancellationToken).ConfigureAwait(false);
            await engine.WaitForCommitsAsync(position, options.PollInterval, cancellationToken).ConfigureAwait(false);
        }
    }

    // A commit may be cut by the end of a page, and its rest be gone by a deletion that came between two pages.
    private static bool CompletesCommit(List<RecordedEvent> assembly, RecordedEvent next)
    {
        if (assembly.Count > 0 && assembly[0].Commit.FirstCheckpoint != next.Commit.FirstCheckpoint) assembly.Clear();
        assembly.Add(next);
        return next.IndexInCommit == next.Commit.EventCount - 1;
    }

    private async Task WorkAsync(ChannelReader<DispatchUnit> lane, DispatchTracker tracker, CancellationToken cancellationToken)
    {
        IsInsideDispatch.Value = true;
        await foreach (var unit in lane.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            var isParked = !await DispatchOrParkAsync(unit, tracker, cancellationToken).ConfigureAwait(false);
            tracker.Done(unit, isParked);
            await WriteProgressIfDueAsync(tracker, cancellationToken).ConfigureAwait(false);
        }
    }

    // Answers whether the unit is done; false parks it. While it fails, nobody waits for dispatch.
    private async ValueTask<bool> DispatchOrParkAsync(DispatchUnit unit, DispatchTracker tracker, CancellationToken cancellationToken)
    {
        var failures = 0;
        try
        {
            for (var delay = options.FirstRetryDelay; ; delay = delay * 2 < options.MaxRetryDelay ? delay * 2 : options.MaxRetryDelay)
            {
                if (await TryDispatchAsync(unit, cancellationToken).ConfigureAwait(false) is not { } error) return true;
                if (++failures == 1) Interlocked.Increment(ref failingUnits);
                tracker.CallOffWaiting();
                if (failures >= options.ParkAfterFailures)
                {
                    Log.DispatchParked(logger, error, unit.Commit.CommitId, unit.Commit.Stream, failures);
                    return false;
                }

                Log.DispatchFailed(logger, error, unit.Commit.CommitId, unit.Commit.Stream, failures, delay);
                await Task.Delay(delay, time, cancellationToken).ConfigureAwait(false);
                if (await IsSettledElsewhereAsync(unit, cancellationToken).ConfigureAwait(false)) return true;
            }
        }
        finally
        {
            if (failures > 0 && Interlocked.Decrement(ref failingUnits) == 0) Volatile.Write(ref consecutiveFailures, 0);
        }
    }

    private async ValueTask<Exception?> TryDispatchAsync(DispatchUnit unit, CancellationToken cancellationToken)
    {
        try
        {
            using var activity = Telemetry.StartDispatch(unit.Commit.Stream);
            await target.Dispatcher.DispatchAsync(unit.Commit, cancellationToken).ConfigureAwait(false);
            telemetry.Dispatched();
            return null;
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            Interlocked.Increment(ref consecutiveFailures);
            telemetry.DispatchFailed();
            return error;
        }
    }

    // While a unit failed, somebody may have marked it as dispatched, or deleted its stream.
    private async ValueTask<bool> IsSettledElsewhereAsync(DispatchUnit unit, CancellationToken cancellationToken)
    {
        var progress = await ledger.LoadAsync(cancellationToken).ConfigureAwait(false);
        await foreach (var page in reads.ReadAllPagesAsync(
            EventFilter.Everything, new Checkpoint(unit.First - 1), new Checkpoint(unit.Last), ReadDirection.Forward, ReadPath.MaxPageEvents, cancellationToken).ConfigureAwait(false))
        {
            foreach (ref readonly var recorded in page.Events.Span)
            {
                if (!progress.IsMarked(recorded.Checkpoint.Value)) return false;
            }
        }

        return true;
    }

    private async ValueTask WriteProgressIfDueAsync(DispatchTracker tracker, CancellationToken cancellationToken)
    {
        if (tracker.IsWriteDue(options.CommitsPerProgressWrite, isCaughtUp) && !await TryWriteProgressAsync(tracker, cancellationToken).ConfigureAwait(false))
            throw new OperationCanceledException("Another process dispatches now.");
    }

    private async ValueTask<bool> TryWriteProgressAsync(DispatchTracker tracker, CancellationToken cancellationToken)
    {
        DispatchProgress? written = null;
        var isWritten = await lease.TryWriteAsync(
            progress =>
            {
                tracker.WriteTo(progress);
                written = progress;
            },
            cancellationToken).ConfigureAwait(false);
        if (isWritten) tracker.Written(written!);
        return isWritten;
    }
}
