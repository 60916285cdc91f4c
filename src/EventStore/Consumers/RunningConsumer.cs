using EventStore.Feeds;
using EventStore.Leases;
using EventStore.Pipeline;

namespace EventStore.Consumers;

/// <summary>
/// A consumer of this process. First delivery, catching up, following new events and recovery after a crash are one loop: read from the
/// written position on, deliver, write.
/// </summary>
/// <remarks>
/// It is <i>waiting</i> while another consumer has its name, and <i>active</i> while it holds the lease itself. Each active term has a
/// progress of its own, made from the document. Every write is a compare-and-swap that fails after another process took over.
/// </remarks>
internal class RunningConsumer : IConsumer
{
    private readonly ConsumerClaim claim;
    private readonly EventFeeds feeds;
    private readonly PauseGate gate = new();
    private readonly FailurePolicy policy;
    private readonly ParkedReplay replay;
    private readonly CancellationTokenSource stopping = new();
    private readonly TaskCompletionSource started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SharedEnd ending;

    // While it waits for its name the first time: a term that is never run.
    private volatile ConsumerTerm term;
    private volatile bool isActive;
    private volatile Task running = Task.CompletedTask;

    public RunningConsumer(ConsumerClaim claim, EventFeeds feeds)
    {
        (this.claim, this.feeds) = (claim, feeds);
        policy = new FailurePolicy(claim, gate);
        replay = new ParkedReplay(claim, feeds, gate);
        ending = new SharedEnd(EndAsync);
        term = MakeTerm(default, null, null);
    }

    public string Name => claim.Name;

    public Checkpoint Position => new(term.Progress.Position.Checkpoint);

    public Task Completion => running;

    protected object? CurrentState => term.Progress.State ?? claim.Definition.State.Initial;

    private ConsumerOptions Options => claim.Options;

    private Lease<ConsumerRecord> Lease => claim.Lease;

    /// <summary>Takes the name, or begins to wait for it, and starts.</summary>
    /// <exception cref="ConsumerTakenException">The name is taken, and the consumer does not wait for it.</exception>
    public async ValueTask StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (Options.WhenTaken == WhenTaken.Fail)
            {
                using var starting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stopping.Token);
                await TakeAsync(starting.Token).ConfigureAwait(false);
            }
            else
            {
                await new ConsumerOpening(claim, feeds).RequireSameAsync(cancellationToken).ConfigureAwait(false);
            }

            running = BackgroundWork.Start(() => claim.Calls.RunAsync(RunAsync));
            Observe();
        }
        finally
        {
            started.TrySetResult();
        }
    }

    public async ValueTask<ConsumerStatus> GetStatusAsync(CancellationToken cancellationToken = default)
    {
        var (held, ended, wasActive) = (term, running, isActive);
        var (record, unwritten) = await held.ReadAsync(cancellationToken).ConfigureAwait(false);
        var state = ended.IsFaulted ? ConsumerState.Faulted
            : ended.IsCompleted ? ConsumerState.Stopped
            : !wasActive ? ConsumerState.Waiting
            : gate.IsPaused ? ConsumerState.Paused
            : ConsumerState.Running;

        // While it is not active, the document alone shows how far the consumer is: another process may have moved on.
        var position = wasActive ? held.Progress.Position : record.Position;
        var lag = await FindLagAsync(position, record.IsStarted, cancellationToken).ConfigureAwait(false);
        return new ConsumerStatus(
            Name,
            new Checkpoint(position.Checkpoint),
            lag,
            wasActive ? unwritten.ParkedIn(record).Count : record.Parked.Count,
            wasActive ? unwritten.SkippedBefore + unwritten.Skipped : record.Skipped,
            state)
        {
            StateBytes = record.StateBytes,
        };
    }

    public ValueTask PauseAsync(CancellationToken cancellationToken = default)
    {
        var left = gate.PauseAsync();
        return claim.Calls.IsInside ? default : new(left.WaitAsync(cancellationToken));
    }

    public void Resume() => gate.Resume();

    public ValueTask WaitForAsync(Checkpoint checkpoint, CancellationToken cancellationToken = default) =>
        WaitAsync(checkpoint, nameof(WaitForAsync), cancellationToken);

    public async ValueTask WaitUntilCaughtUpAsync(CancellationToken cancellationToken = default)
    {
        var head = await feeds.FindHeadAsync(cancellationToken).ConfigureAwait(false);
        await WaitAsync(head, nameof(WaitUntilCaughtUpAsync), cancellationToken).ConfigureAwait(false);
    }

    public IAsyncEnumerable<CommittedEvent> GetParkedAsync(CancellationToken cancellationToken = default) =>
        replay.ListAsync(term, cancellationToken);

    public async ValueTask<int> ReplayParkedAsync(CancellationToken cancellationToken = default)
    {
        RequireOutside(nameof(ReplayParkedAsync));
        ObjectDisposedException.ThrowIf(stopping.IsCancellationRequested, this);
        if (running.IsCompleted)
            throw new InvalidOperationException(
                $"The consumer '{Names.Printable(Name)}' has ended. Start it again to replay events.");
        return await replay.RunAsync(term, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Stops. A call from its own handler does not wait for that handler.</summary>
    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        var ended = ending.RunAsync();
        return claim.Calls.IsInside ? default : new(ended);
    }

    // The gate is closed first: a cancellation reaches deliveries only after its callbacks ran.
    private async Task EndAsync()
    {
        gate.Close();
        term.Pump.Stop();
        await stopping.CancelAsync().ConfigureAwait(false);
        await started.Task.ConfigureAwait(false);
        await running.WaitAsync(Options.StopTimeout, claim.Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (running.IsCompleted)
        {
            stopping.Dispose();
            return;
        }

        claim.Report.LogNotStopped(Options.StopTimeout);
        throw new NotStoppedException($"The consumer '{Names.Printable(Name)}'", Options.StopTimeout);
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
            failure = error;
            claim.Report.LogEnded(error);
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
            claim.Dispose();
        }
    }

    // For a start that does not wait: another holder is watched until it is known whether it lives.
    private async ValueTask TakeAsync(CancellationToken cancellationToken)
    {
        var watch = new Lease<ConsumerRecord>.Watch();
        var isReported = false;
        while (!await Lease.TryAcquireAsync(watch, cancellationToken).ConfigureAwait(false))
        {
            if (watch.IsHolderAlive) throw Taken("another consumer holds its lease, and renews it.");
            if (!isReported) claim.Report.LogWatching(Options.LeaseTerm);
            isReported = true;
            await Lease.WaitAsync(watch, cancellationToken).ConfigureAwait(false);
        }

        await BecomeActiveAsync(cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask TakeOverAsync()
    {
        var watch = new Lease<ConsumerRecord>.Watch();
        while (true)
        {
            try
            {
                if (await Lease.TryAcquireAsync(watch, stopping.Token).ConfigureAwait(false))
                {
                    await BecomeActiveAsync(stopping.Token).ConfigureAwait(false);
                    return;
                }
            }
            catch (StorageException error) when (Outage.Explains(error))
            {
                claim.Report.LogStorageFailure(error, Lease.WaitAfter(watch));
            }
            catch (ConsumerTakenException)
            {
                // Another process was faster.
            }

            await Lease.WaitAsync(watch, stopping.Token).ConfigureAwait(false);
        }
    }

    // Called with the lease held; releases it on failure.
    private async ValueTask BecomeActiveAsync(CancellationToken cancellationToken)
    {
        try
        {
            var before = term.Progress;
            var keeper = claim.OpenState();
            var (position, state) = await new ConsumerOpening(claim, feeds).OpenAsync(keeper, cancellationToken).ConfigureAwait(false);
            term = MakeTerm(position, state, keeper);
            isActive = true;

            // Last, because a wait for a position that was reached long ago completes now, and its caller looks at the state.
            before.HandOverTo(term.Progress);
        }
        catch
        {
            await claim.ReleaseAsync().ConfigureAwait(false);
            throw;
        }
    }

    private ConsumerTerm MakeTerm(FeedPosition position, object? state, StateKeeper? keeper) => new(
        claim, feeds, policy, new ConsumerProgress(position, keeper, state) { SkippedBefore = Lease.Ledger.Known.Skipped });

    private async ValueTask<long> FindLagAsync(FeedPosition position, bool isStarted, CancellationToken cancellationToken)
    {
        var source = claim.Definition.Source;
        if (isStarted) return await feeds.FindLagAsync(Name, source, position, cancellationToken).ConfigureAwait(false);
        var origin = await feeds.FindOriginAsync(Name, source, Options.StartFrom, cancellationToken).ConfigureAwait(false);
        var start = await feeds.FindStartAsync(origin, cancellationToken).ConfigureAwait(false);
        return await feeds.FindLagAsync(Name, source, start, cancellationToken).ConfigureAwait(false);
    }

    private ValueTask WaitAsync(Checkpoint checkpoint, string member, CancellationToken cancellationToken)
    {
        if (checkpoint > Position) RequireOutside(member);
        return new(term.Progress.WaitForAsync(checkpoint.Value).WaitAsync(cancellationToken));
    }

    private void Observe() => claim.Report.Observe(
        async token => (await GetStatusAsync(token).ConfigureAwait(false)).Lag, () => term.StateBytes);

    /// <exception cref="CalledFromInsideException">The consumer called the present code, and waits for it.</exception>
    private void RequireOutside(string member)
    {
        if (claim.Calls.IsInside) throw new CalledFromInsideException($"IConsumer.{member}", $"the consumer '{Names.Printable(Name)}'");
    }

    private ConsumerTakenException Taken(string reason) => new(Name, reason);
}
