using System.Runtime.CompilerServices;
using EventStore.Diagnostics;
using EventStore.Feeds;
using EventStore.Leases;
using Microsoft.Extensions.Logging;

namespace EventStore.Consumers;

/// <summary>
/// A consumer of this process. First delivery, catching up, following live and recovery after a crash are one loop: read on from the position
/// that was written, deliver, write.
/// </summary>
/// <remarks>
/// It is <i>waiting</i> while another process has its name, and <i>active</i> while it holds the lease itself. Each active term has a progress
/// of its own, made from the document; everything it writes is a compare-and-swap that fails once another took over.
/// </remarks>
internal class RunningConsumer : IConsumer
{
    private readonly ConsumerSetup setup;
    private readonly Ledger<ConsumerRecord> ledger;
    private readonly Lease<ConsumerRecord> lease;
    private readonly PauseGate gate = new();
    private readonly CancellationTokenSource stopping = new();
    private readonly SemaphoreSlim writeTurn = new(1, 1);
    private readonly IPump pump;
    private volatile ConsumerProgress progress = new(default, null);
    private volatile bool isActive;
    private volatile bool isCaughtUp;
    private long lag;
    private int isDisposed;
    private Task running = Task.CompletedTask;

    public RunningConsumer(ConsumerSetup setup, Func<PumpContext, IPump> makePump)
    {
        this.setup = setup;
        ledger = new Ledger<ConsumerRecord>(setup.Documents, ConsumerRecord.DocumentOf(setup.Name));
        lease = new Lease<ConsumerRecord>(ledger, setup.Options.LeaseTerm, setup.Options.PollInterval, setup.Time);
        pump = makePump(new PumpContext(gate, new FailurePolicy(setup.Name, setup.Options, gate, setup.Time, setup.Logger), setup.Options, WriteOrLoseAsync));
    }

    public string Name => setup.Name;

    public Checkpoint Position => progress.Position.Checkpoint;

    public Task Completion => running;

    protected object? CurrentState => progress.State ?? setup.InitialState;

    /// <summary>Takes the name, or begins to wait for it, and starts.</summary>
    /// <exception cref="ConsumerTakenException">Another process has the name, and it is not to wait.</exception>
    public async ValueTask StartAsync(CancellationToken cancellationToken)
    {
        if (setup.Options.WhenTaken == WhenTaken.Fail)
        {
            var watch = new Lease<ConsumerRecord>.Watch();
            while (!await lease.TryAcquireAsync(watch, cancellationToken).ConfigureAwait(false))
            {
                if (watch.IsHolderAlive) throw new ConsumerTakenException(Name, "another process shows signs of life.");
                await Task.Delay(lease.WatchInterval, setup.Time, cancellationToken).ConfigureAwait(false);
            }

            await BecomeActiveAsync(cancellationToken).ConfigureAwait(false);
        }

        running = Task.Run(RunAsync, CancellationToken.None);
    }

    public async ValueTask<ConsumerStatus> GetStatusAsync(CancellationToken cancellationToken = default)
    {
        var record = await ledger.LoadAsync(cancellationToken).ConfigureAwait(false);
        var state = running.IsCompleted ? ConsumerState.Stopped : !isActive ? ConsumerState.Waiting : gate.IsClosed ? ConsumerState.Paused : ConsumerState.Running;
        var unwritten = isActive ? progress.Take() : null;
        var parked = record.Parked.Union(unwritten?.Parked ?? []).Count();
        return new ConsumerStatus(Name, isActive ? Position : record.Checkpoint, Volatile.Read(ref lag), parked, record.Skipped + (unwritten?.Skipped ?? 0), state);
    }

    public ValueTask PauseAsync(CancellationToken cancellationToken = default) => new(gate.CloseAsync().WaitAsync(cancellationToken));

    public void Resume() => gate.Open();

    public ValueTask WaitForAsync(Checkpoint checkpoint, CancellationToken cancellationToken = default) => new(progress.WaitForAsync(checkpoint.Value).WaitAsync(cancellationToken));

    public async ValueTask WaitUntilCaughtUpAsync(CancellationToken cancellationToken = default) =>
        await WaitForAsync(await setup.Reads.FindHeadAsync(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);

    public async IAsyncEnumerable<CommittedEvent> GetParkedAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var record = await ledger.LoadAsync(cancellationToken).ConfigureAwait(false);
        foreach (var checkpoint in record.Parked.Union(progress.Take().Parked).Order().ToArray())
        {
            if (await setup.Reads.FindEventAsync(checkpoint, cancellationToken).ConfigureAwait(false) is { } parked) yield return parked;
        }
    }

    public async ValueTask<int> ReplayParkedAsync(CancellationToken cancellationToken = default)
    {
        await WriteAsync(progress, cancellationToken).ConfigureAwait(false);
        var succeeded = 0;
        foreach (var checkpoint in ledger.Known.Parked.ToArray())
        {
            if (await setup.Reads.FindEventAsync(checkpoint, cancellationToken).ConfigureAwait(false) is { } parked)
            {
                await pump.HandleAgainAsync(parked, cancellationToken).ConfigureAwait(false);
                succeeded++;
            }

            if (!await lease.TryWriteAsync(record => record.Parked.Remove(checkpoint), cancellationToken).ConfigureAwait(false))
                throw new ConsumerTakenException(Name, "another process took over.");
        }

        return succeeded;
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref isDisposed, 1) != 0) return;
        await stopping.CancelAsync().ConfigureAwait(false);
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        setup.Released();
        stopping.Dispose();
        writeTurn.Dispose();
        GC.SuppressFinalize(this);
    }

    private async Task RunAsync()
    {
        Exception? failure = null;
        try
        {
            while (true)
            {
                if (!isActive) await TakeOverAsync().ConfigureAwait(false);
                var lost = await FollowAsync().ConfigureAwait(false);
                isActive = false;
                if (lost is null) break;
                Log.ConsumerLost(setup.Logger, Name, lost);
                if (setup.Options.WhenTaken == WhenTaken.Fail) throw new ConsumerTakenException(Name, lost + ".");
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Stopped while it waited for the name.
        }
        catch (Exception error)
        {
            Log.ConsumerEnded(setup.Logger, error, Name);
            failure = error;
            throw;
        }
        finally
        {
            isActive = false;
            progress.End(new InvalidOperationException($"The consumer '{Name}' has ended before it got there.", failure));
            (pump as PullPump)?.End(failure);
        }
    }

    private async ValueTask TakeOverAsync()
    {
        var watch = new Lease<ConsumerRecord>.Watch();
        while (true)
        {
            try
            {
                if (await lease.TryAcquireAsync(watch, stopping.Token).ConfigureAwait(false)) break;
            }
            catch (StorageException error)
            {
                Log.ConsumerStorageFailed(setup.Logger, error, Name, lease.WatchInterval);
            }

            await Task.Delay(lease.WatchInterval, setup.Time, stopping.Token).ConfigureAwait(false);
        }

        await BecomeActiveAsync(stopping.Token).ConfigureAwait(false);
    }

    // Called with the lease held; lets it go where that fails.
    private async ValueTask BecomeActiveAsync(CancellationToken cancellationToken)
    {
        try
        {
            var waitedOn = progress;
            progress = await OpenProgressAsync(cancellationToken).ConfigureAwait(false);
            waitedOn.HandOverTo(progress);
            isActive = true;
        }
        catch
        {
            await lease.ReleaseAsync().ConfigureAwait(false);
            throw;
        }
    }

    // Where it begins is decided once, and written before anything is delivered.
    private async ValueTask<ConsumerProgress> OpenProgressAsync(CancellationToken cancellationToken)
    {
        var record = ledger.Known;
        var isStateOutdated = setup.InitialState is not null && record.IsStarted && record.StateVersion != setup.StateVersion;
        var position = new FeedPosition(record.Checkpoint, record.Revision);
        if (!record.IsStarted || isStateOutdated)
        {
            var start = setup.Options.StartFrom;
            position = start.IsCurrent
                ? await setup.MakeFeed().FindCurrentAsync(cancellationToken).ConfigureAwait(false)
                : new FeedPosition(start.Checkpoint.Value, start.Revision.Value);
            var isWritten = await lease.TryWriteAsync(
                begun => (begun.IsStarted, begun.Checkpoint, begun.Revision, begun.State, begun.StateType, begun.StateVersion) = (true, position.Checkpoint, position.Revision, null, null, setup.StateVersion),
                cancellationToken).ConfigureAwait(false);
            if (!isWritten) throw new ConsumerTakenException(Name, "another process took over.");
        }

        var head = await setup.Reads.FindHeadAsync(cancellationToken).ConfigureAwait(false);
        if (record.IsStarted && position.Checkpoint > head.Value) throw new PositionAheadException(Name, position.Checkpoint, head);
        Log.ConsumerActive(setup.Logger, Name, position.Checkpoint);
        return new ConsumerProgress(position, setup.DecodeState(ledger.Known) ?? setup.InitialState);
    }

    // Reads, delivers and writes until it is stopped (null) or the name is lost (why).
    private async Task<string?> FollowAsync()
    {
        pump.Restart();
        using var term = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token);
        var holding = lease.HoldAsync(term.Token);
        var delivering = DeliverAsync(progress, term.Token);
        var writing = WriteRegularlyAsync(progress, term.Token);
        await Task.WhenAny(holding, delivering, writing).ConfigureAwait(false);
        await term.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(holding, delivering, writing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (holding.IsCompletedSuccessfully) return await holding.ConfigureAwait(false);

        var isKept = await WriteAsync(progress, CancellationToken.None).ConfigureAwait(false);
        if (isKept) await lease.ReleaseAsync().ConfigureAwait(false);
        if (delivering.IsFaulted) await delivering.ConfigureAwait(false);
        if (writing.IsFaulted) await writing.ConfigureAwait(false);
        return isKept || stopping.IsCancellationRequested ? null : "another process took over";
    }

    private async Task DeliverAsync(ConsumerProgress into, CancellationToken cancellationToken)
    {
        var feed = setup.MakeFeed();
        var position = into.Position;
        Task<FeedPage>? ahead = null;
        try
        {
            while (true)
            {
                var page = await ReadAsync(ahead, feed, position, cancellationToken).ConfigureAwait(false);
                position = page.Position;
                ahead = page.IsEnd ? null : feed.ReadAsync(position, cancellationToken).AsTask();
                Volatile.Write(ref lag, page.Lag + page.Events.Length);
                if (!page.Events.IsEmpty) isCaughtUp = false;
                await pump.DeliverAsync(page.Events, into, cancellationToken).ConfigureAwait(false);
                into.Scanned(position);
                Volatile.Write(ref lag, page.Lag);
                if (!page.IsEnd) continue;

                if (!isCaughtUp) setup.Options.CaughtUp?.Invoke();
                isCaughtUp = true;
                if (into.IsIdle) await SettleAsync(into, cancellationToken).ConfigureAwait(false);
                await setup.Engine.WaitForCommitsAsync(position.Checkpoint, setup.Options.PollInterval, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            if (ahead is not null) await ((Task)ahead).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // A storage that cannot be reached for a while is waited for.
    private async ValueTask<FeedPage> ReadAsync(Task<FeedPage>? ahead, IFeed feed, FeedPosition position, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await (ahead ?? feed.ReadAsync(position, cancellationToken).AsTask()).ConfigureAwait(false);
            }
            catch (StorageUnavailableException error)
            {
                ahead = null;
                Log.ConsumerStorageFailed(setup.Logger, error, Name, setup.Options.PollInterval);
                await Task.Delay(setup.Options.PollInterval, setup.Time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    // Nothing is out and nothing is there: what was done is written at once.
    private async ValueTask SettleAsync(ConsumerProgress settled, CancellationToken cancellationToken)
    {
        if (!settled.HasUnwritten) return;
        await WriteOrLoseAsync(cancellationToken).ConfigureAwait(false);
        setup.Options.Idle?.Invoke();
    }

    private async Task WriteRegularlyAsync(ConsumerProgress written, CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(setup.Options.CheckpointInterval, setup.Time, cancellationToken).ConfigureAwait(false);
            if (written.HasUnwritten) await WriteOrLoseAsync(cancellationToken).ConfigureAwait(false);
            if (isCaughtUp && written.IsIdle) setup.Options.Idle?.Invoke();
        }
    }

    // A storage that cannot be reached now is written to later: what was handled since is then handled again only if this process ends before.
    private async ValueTask WriteOrLoseAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (!await WriteAsync(progress, cancellationToken).ConfigureAwait(false)) throw new OperationCanceledException("Another process took over.");
        }
        catch (StorageException error) when (error is StorageUnavailableException or BatchOutcomeUnknownException)
        {
            Log.ConsumerStorageFailed(setup.Logger, error, Name, setup.Options.CheckpointInterval);
        }
    }

    // Position and state are one document: they move together or not at all.
    private async ValueTask<bool> WriteAsync(ConsumerProgress from, CancellationToken cancellationToken)
    {
        await writeTurn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var taken = from.Take();
            var isWritten = await lease.TryWriteAsync(
                record =>
                {
                    (record.Checkpoint, record.Revision) = (taken.Position.Checkpoint, taken.Position.Revision);
                    record.Parked = [.. record.Parked.Union(taken.Parked).Order()];
                    record.Skipped += taken.Skipped;
                    setup.EncodeState(taken.State, record);
                },
                cancellationToken).ConfigureAwait(false);
            if (!isWritten) return false;
            from.Written(taken);
            setup.Options.Persisted?.Invoke(taken.Position.Checkpoint);
            return true;
        }
        finally
        {
            writeTurn.Release();
        }
    }
}
