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
    private readonly SemaphoreSlim replayTurn = new(1, 1);
    private readonly IPump pump;

    // While it waits for its name: a term without a lease, at the very beginning.
    private volatile ConsumerTerm term;
    private volatile bool isActive;
    private int isDisposed;
    private Task running = Task.CompletedTask;

    public RunningConsumer(ConsumerSetup setup, Func<PumpContext, IPump> makePump)
    {
        this.setup = setup;
        ledger = new Ledger<ConsumerRecord>(setup.Documents, ConsumerRecord.DocumentOf(setup.Name));
        lease = new Lease<ConsumerRecord>(ledger, setup.Options.LeaseTerm, setup.Options.PollInterval, setup.Time);
        pump = makePump(new PumpContext(gate, new FailurePolicy(setup.Name, setup.Options, gate, setup.Time, setup.Logger), setup.Options, token => term!.WriteOrLoseAsync(token)));
        term = TermFrom(new ConsumerProgress(default, null));
    }

    public string Name => setup.Name;

    public Checkpoint Position => new Checkpoint(term.Progress.Position.Checkpoint);

    public Task Completion => running;

    protected object? CurrentState => term.Progress.State ?? setup.InitialState;

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
                await Task.Delay(lease.WaitAfter(watch), setup.Time, cancellationToken).ConfigureAwait(false);
            }

            await BecomeActiveAsync(cancellationToken).ConfigureAwait(false);
        }

        running = Task.Run(RunAsync, CancellationToken.None);
    }

    public async ValueTask<ConsumerStatus> GetStatusAsync(CancellationToken cancellationToken = default)
    {
        var (record, unwritten) = await term.LookAsync(ledger, cancellationToken).ConfigureAwait(false);
        var state = running.IsCompleted ? ConsumerState.Stopped : !isActive ? ConsumerState.Waiting : gate.IsPaused ? ConsumerState.Paused : ConsumerState.Running;
        return new ConsumerStatus(
            Name, isActive ? Position : new Checkpoint(record.Checkpoint), setup.Lag.Value, unwritten.ParkedIn(record).Count(), record.Skipped + unwritten.Skipped, state);
    }

    public ValueTask PauseAsync(CancellationToken cancellationToken = default) => new(gate.PauseAsync().WaitAsync(cancellationToken));

    public void Resume() => gate.Resume();

    public ValueTask WaitForAsync(Checkpoint checkpoint, CancellationToken cancellationToken = default) => new(term.Progress.WaitForAsync(checkpoint.Value).WaitAsync(cancellationToken));

    public async ValueTask WaitUntilCaughtUpAsync(CancellationToken cancellationToken = default) =>
        await WaitForAsync(await setup.Reads.FindHeadAsync(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);

    public async IAsyncEnumerable<CommittedEvent> GetParkedAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var (record, unwritten) = await term.LookAsync(ledger, cancellationToken).ConfigureAwait(false);
        foreach (var checkpoint in unwritten.ParkedIn(record).ToArray())
        {
            if (await setup.Reads.FindEventAsync(new Checkpoint(checkpoint), cancellationToken).ConfigureAwait(false) is { } parked) yield return parked;
        }
    }

    public async ValueTask<int> ReplayParkedAsync(CancellationToken cancellationToken = default)
    {
        await replayTurn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await ReplayAllAsync(term, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            replayTurn.Release();
        }
    }

    private async ValueTask<int> ReplayAllAsync(ConsumerTerm held, CancellationToken cancellationToken)
    {
        var (record, unwritten) = await held.LookAsync(ledger, cancellationToken).ConfigureAwait(false);
        var succeeded = 0;
        foreach (var checkpoint in unwritten.ParkedIn(record).ToArray())
        {
            if (await ReplayAsync(checkpoint, held.Progress, cancellationToken).ConfigureAwait(false)) succeeded++;
            if (!await held.TryWriteAsync(cancellationToken).ConfigureAwait(false)) throw new ConsumerTakenException(Name, "another process took over.");
        }

        return succeeded;
    }

    // Alone, so that a state goes from one event to the next, whichever comes.
    private async ValueTask<bool> ReplayAsync(long checkpoint, ConsumerProgress progress, CancellationToken cancellationToken)
    {
        var parked = await setup.Reads.FindEventAsync(new Checkpoint(checkpoint), cancellationToken).ConfigureAwait(false);
        await gate.EnterAloneAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (parked is null) progress.Unpark(checkpoint, progress.State);
            else await pump.HandleAgainAsync(parked, progress, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            gate.LeaveAlone();
        }

        return parked is not null;
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref isDisposed, 1) != 0) return;
        await stopping.CancelAsync().ConfigureAwait(false);
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        setup.Released();
        stopping.Dispose();
        replayTurn.Dispose();
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
                var lost = await term.RunAsync(stopping.Token).ConfigureAwait(false);
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
            term.Progress.End(new InvalidOperationException($"The consumer '{Name}' has ended before it got there: {failure?.Message ?? "it was stopped."}", failure));
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
                Log.ConsumerStorageFailed(setup.Logger, error, Name, lease.WaitAfter(watch));
            }

            await Task.Delay(lease.WaitAfter(watch), setup.Time, stopping.Token).ConfigureAwait(false);
        }

        await BecomeActiveAsync(stopping.Token).ConfigureAwait(false);
    }

    // Called with the lease held; lets it go where that fails.
    private async ValueTask BecomeActiveAsync(CancellationToken cancellationToken)
    {
        try
        {
            var opened = await OpenProgressAsync(cancellationToken).ConfigureAwait(false);
            var before = term.Progress;
            term = TermFrom(opened);
            isActive = true;

            // Last: whoever waited for a position that was reached long ago goes on now, and looks at the state.
            before.HandOverTo(opened);
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
        if (record.IsStarted && position.Checkpoint > head.Value) throw new PositionAheadException(Name, new Checkpoint(position.Checkpoint), head);
        Log.ConsumerActive(setup.Logger, Name, new Checkpoint(position.Checkpoint));
        return new ConsumerProgress(position, setup.DecodeState(ledger.Known) ?? setup.InitialState);
    }

    private ConsumerTerm TermFrom(ConsumerProgress progress) => new(setup, lease, pump, progress);
}
