using System.Runtime.CompilerServices;
using EventStore.Feeds;
using EventStore.Leases;

namespace EventStore.Consumers;

/// <summary>
/// A consumer of this process. First delivery, catching up, following new events and recovery after a crash are one loop: read from the
/// written position on, deliver, write.
/// </summary>
/// <remarks>
/// It is <i>waiting</i> while another process has its name, and <i>active</i> while it holds the lease itself. Each active term has a
/// progress of its own, made from the document. Every write is a compare-and-swap that fails after another process took over.
/// </remarks>
internal class RunningConsumer : IConsumer
{
    private readonly ConsumerClaim claim;
    private readonly EventFeeds feeds;
    private readonly PauseGate gate = new();
    private readonly FailurePolicy policy;
    private readonly CancellationTokenSource stopping = new();
    private readonly SemaphoreSlim replayTurn = new(1, 1);

    // While it waits for its name the first time: a term that is never run.
    private volatile ConsumerTerm term;
    private volatile bool isActive;
    private int isDisposed;
    private Task running = Task.CompletedTask;

    public RunningConsumer(ConsumerClaim claim, EventFeeds feeds)
    {
        (this.claim, this.feeds) = (claim, feeds);
        policy = new FailurePolicy(claim, gate);
        term = MakeTerm(default, null);
    }

    public string Name => claim.Name;

    public Checkpoint Position => new(term.Progress.Position.Checkpoint);

    public Task Completion => running;

    protected object? CurrentState => term.Progress.State ?? claim.Definition.State.Initial;

    private ConsumerOptions Options => claim.Options;

    private Lease<ConsumerRecord> Lease => claim.Lease;

    /// <summary>Takes the name, or begins to wait for it, and starts.</summary>
    /// <exception cref="ConsumerTakenException">Another process has the name, and the consumer does not wait for it.</exception>
    public async ValueTask StartAsync(CancellationToken cancellationToken)
    {
        if (Options.WhenTaken == WhenTaken.Fail)
        {
            if (!await Lease.TryAcquireFromDeadAsync(cancellationToken).ConfigureAwait(false)) throw Taken("another process runs it.");
            await BecomeActiveAsync(cancellationToken).ConfigureAwait(false);
        }
        else
        {
            await new ConsumerOpening(claim, feeds).RequireSameAsync(cancellationToken).ConfigureAwait(false);
        }

        running = Task.Run(RunAsync, CancellationToken.None);
    }

    public async ValueTask<ConsumerStatus> GetStatusAsync(CancellationToken cancellationToken = default)
    {
        var (record, unwritten) = await term.ReadAsync(cancellationToken).ConfigureAwait(false);
        var state = running.IsCompleted ? ConsumerState.Stopped
            : !isActive ? ConsumerState.Waiting
            : gate.IsPaused ? ConsumerState.Paused
            : ConsumerState.Running;
        var position = isActive ? Position : new Checkpoint(record.Checkpoint);
        return new ConsumerStatus(
            Name, position, claim.Report.Lag.Value, unwritten.ParkedIn(record).Count, record.Skipped + unwritten.Skipped, state);
    }

    public ValueTask PauseAsync(CancellationToken cancellationToken = default) => new(gate.PauseAsync().WaitAsync(cancellationToken));

    public void Resume() => gate.Resume();

    public ValueTask WaitForAsync(Checkpoint checkpoint, CancellationToken cancellationToken = default) =>
        new(term.Progress.WaitForAsync(checkpoint.Value).WaitAsync(cancellationToken));

    public async ValueTask WaitUntilCaughtUpAsync(CancellationToken cancellationToken = default) =>
        await WaitForAsync(await feeds.FindHeadAsync(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);

    public async IAsyncEnumerable<CommittedEvent> GetParkedAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var (record, unwritten) = await term.ReadAsync(cancellationToken).ConfigureAwait(false);
        foreach (var checkpoint in unwritten.ParkedIn(record))
        {
            if (await feeds.FindEventAsync(new Checkpoint(checkpoint), cancellationToken).ConfigureAwait(false) is { } parked)
                yield return parked;
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

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref isDisposed, 1) != 0) return;
        await stopping.CancelAsync().ConfigureAwait(false);
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        claim.Dispose();
        stopping.Dispose();
        replayTurn.Dispose();
        GC.SuppressFinalize(this);
    }

    private async ValueTask<int> ReplayAllAsync(ConsumerTerm held, CancellationToken cancellationToken)
    {
        var (record, unwritten) = await held.ReadAsync(cancellationToken).ConfigureAwait(false);
        var succeeded = 0;
        foreach (var checkpoint in unwritten.ParkedIn(record))
        {
            if (await ReplayAsync(checkpoint, held, cancellationToken).ConfigureAwait(false)) succeeded++;
            if (!await held.TryWriteAsync(cancellationToken).ConfigureAwait(false)) throw Taken("another process took over.");
        }

        return succeeded;
    }

    // Runs alone, so that the state passes from one event to the next in some order.
    private async ValueTask<bool> ReplayAsync(long checkpoint, ConsumerTerm held, CancellationToken cancellationToken)
    {
        var parked = await feeds.FindEventAsync(new Checkpoint(checkpoint), cancellationToken).ConfigureAwait(false);
        await gate.EnterAloneAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (parked is null) held.Progress.Unpark(checkpoint, held.Progress.State);
            else await held.Pump.DeliverParkedAsync(parked, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            gate.LeaveAlone();
        }

        return parked is not null;
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
                claim.Report.LogLost(lost);
                if (Options.WhenTaken == WhenTaken.Fail) throw Taken(lost + ".");
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Stopped while it waited for the name.
        }
        catch (Exception error)
        {
            claim.Report.LogEnded(error);
            failure = error;
            throw;
        }
        finally
        {
            isActive = false;
            var reason = failure is null ? "it was stopped." : $"it failed with {failure.GetType().Name}.";
            term.Progress.End(
                new InvalidOperationException(
                    $"The consumer '{Names.Printable(Name)}' ended before it reached the checkpoint: " + reason, failure));
            term.Pump.End(failure);
        }
    }

    private async ValueTask TakeOverAsync()
    {
        var watch = new Lease<ConsumerRecord>.Watch();
        while (true)
        {
            try
            {
                if (await Lease.TryAcquireAsync(watch, stopping.Token).ConfigureAwait(false)) break;
            }
            catch (StorageException error)
            {
                claim.Report.LogStorageFailure(error, Lease.WaitAfter(watch));
            }

            await Lease.WaitAsync(watch, stopping.Token).ConfigureAwait(false);
        }

        await BecomeActiveAsync(stopping.Token).ConfigureAwait(false);
    }

    // Called with the lease held; releases it on failure.
    private async ValueTask BecomeActiveAsync(CancellationToken cancellationToken)
    {
        try
        {
            var (position, state) = await new ConsumerOpening(claim, feeds).OpenAsync(cancellationToken).ConfigureAwait(false);
            var before = term.Progress;
            term = MakeTerm(position, state);
            isActive = true;

            // Last, because a wait for a position that was reached long ago completes now, and its caller looks at the state.
            before.HandOverTo(term.Progress);
        }
        catch
        {
            await Lease.ReleaseAsync().ConfigureAwait(false);
            throw;
        }
    }

    private ConsumerTerm MakeTerm(FeedPosition position, object? state) =>
        new(claim, feeds, policy, new ConsumerProgress(position, claim.Definition.State, state));

    private ConsumerTakenException Taken(string reason) => new(Name, reason);
}

/// <summary>A consumer with a state.</summary>
internal sealed class StatefulConsumer<TState>(ConsumerClaim claim, EventFeeds feeds) : RunningConsumer(claim, feeds), IConsumer<TState>
    where TState : class
{
    public TState State => CurrentState as TState
        ?? throw new InvalidOperationException($"The state of the consumer '{Names.Printable(Name)}' is no {typeof(TState).Name}.");
}

/// <summary>A consumer whose events are pulled.</summary>
internal sealed class PullConsumer(
    ConsumerClaim claim, EventFeeds feeds, PulledEvents events) : RunningConsumer(claim, feeds), IPullConsumer
{
    private int isEnumerated;

    public IAsyncEnumerator<Delivery> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        if (Interlocked.Exchange(ref isEnumerated, 1) != 0)
            throw new InvalidOperationException(
                $"The consumer '{Names.Printable(Name)}' is enumerated already. "
                + "One loop pulls its events; open it again to begin another.");
        return events.Deliveries.ReadAllAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
    }
}
