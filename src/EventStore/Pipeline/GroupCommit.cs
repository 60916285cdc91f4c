using EventStore.Diagnostics;

namespace EventStore.Pipeline;

/// <summary>
/// Gathers the attempts of concurrent callers into batches, so that one flush, transaction or script serves many. Attempts reach the
/// engine in the order in which they were submitted.
/// </summary>
/// <remarks>
/// The gate is <i>idle</i> while no commit is running and the queue is empty. It is <i>led</i> while one batch is with the engine, or the
/// leader gathers the next one; all others queue. Over an engine that blocks, every attempt is queued, and a thread of this store leads.
/// There an attempt that finds the gate idle is <i>lone</i>: it is sent alone, and its caller continues on the store's thread.
/// Over other engines, a caller that finds the gate idle leads with its own attempt, and waits for no other caller. What is queued
/// meanwhile is drained by the store's thread where the engine commits on the calling thread. Elsewhere the thread pool drains it.
/// </remarks>
internal sealed class GroupCommit : IAsyncDisposable
{
    private readonly IPersistenceEngine engine;
    private readonly Settlement settlement;
    private readonly Telemetry telemetry;
    private readonly TimeProvider time;
    private readonly Cohort cohort;

    // Null where the thread pool sends the batches.
    private readonly CommitThread? thread;
    private readonly bool mayLeadAlone;

    // Guarded by the gate.
    private readonly Lock gate = new();
    private readonly AttemptQueue queue;
    private bool isLed;
    private bool isDisposed;
    private volatile QueuedAttempt? lone;
    private Task leading = Task.CompletedTask;
    private TaskCompletionSource? idle;
    private string? holder;

    /// <param name="settlement">Settles unknown outcomes of its engine.</param>
    /// <param name="telemetry">Measures batches. Listeners never run where a batch waits for them.</param>
    /// <param name="time">The clock.</param>
    /// <param name="startThread">Starts a thread of the store.</param>
    public GroupCommit(Settlement settlement, Telemetry telemetry, TimeProvider time, Action<Thread> startThread)
    {
        engine = settlement.Engine;
        (this.settlement, this.telemetry, this.time) = (settlement, telemetry, time);
        mayLeadAlone = engine.Description.CommitThreading != CommitThreading.Blocking;
        if (engine.Description.CommitThreading != CommitThreading.Asynchronous) thread = new CommitThread(gate, SendQueued, startThread);
        var maxAttempts = engine.Description.Limits.MaxBatchAttempts;
        cohort = new Cohort(time, maxAttempts, thread is not null);
        queue = new AttemptQueue(maxAttempts, cohort);
    }

    /// <summary>Whether outcomes may reach their callers on the thread that sends batches.</summary>
    public bool HasThread => thread is not null;

    /// <summary>The attempt of a commit that was just submitted, if it is a lone one; null otherwise.</summary>
    public QueuedAttempt? FindLone(Guid commitId) => lone is { } sent && sent.Attempt.CommitId == commitId ? sent : null;

    /// <summary>
    /// Continues on the thread pool if it is called on the thread that sends batches. Called before anything that runs code of the
    /// application, reads, or throws: the next batch must not wait for it.
    /// </summary>
    public ValueTask LeaveThreadAsync() => thread is { IsCurrent: true } ? CommitThread.ToPoolAsync() : default;

    /// <summary>Sends an attempt to the engine, alone or in a batch.</summary>
    /// <exception cref="TooLargeException">The attempt exceeds a limit of the engine.</exception>
    /// <exception cref="StorageUnavailableException">The system starts no thread for the store.</exception>
    /// <exception cref="StorageHeldException">An import of this store holds the storage.</exception>
    public ValueTask<Submitted> SubmitAsync(CommitAttempt attempt, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        QueuedAttempt? queued = null;
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(isDisposed, typeof(IEventStore));
            if (holder is not null) throw new StorageHeldException(holder);
            if (isLed || !mayLeadAlone)
            {
                engine.Description.Limits.Require(attempt); // the engine would refuse the whole batch
                thread?.Start();
                queue.Add(queued = Queued(attempt));
                if (!isLed && cohort.IsLone) lone = queued;
                if (thread is not null && (!isLed || thread.IsLent)) thread.Wake();
            }

            isLed = true;
        }

        return queued is null ? LeadAlone(attempt, cancellationToken) : queued.WaitAsync(cancellationToken);
    }

    /// <summary>Refuses attempts from now on, and waits for those under way. Returns whether they were accepted before.</summary>
    public async ValueTask<bool> HoldAsync(string name)
    {
        Task quiet;
        bool isNew;
        lock (gate) (isNew, holder, quiet) = (holder is null, name, WhenIdle());
        await quiet.ConfigureAwait(false);
        return isNew;
    }

    /// <summary>Accepts attempts again.</summary>
    public void Release()
    {
        lock (gate) holder = null;
    }

    public async ValueTask DisposeAsync()
    {
        Task quiet;
        lock (gate) (isDisposed, quiet) = (true, WhenIdle());
        await quiet.ConfigureAwait(false);
        await leading.ConfigureAwait(false);
        if (thread is not null) await thread.DisposeAsync().ConfigureAwait(false);
    }

    // Outcomes continue on the store's thread where there is one: the steps after it are short, or leave it.
    private QueuedAttempt Queued(CommitAttempt attempt) =>
        new(attempt, thread is null ? TaskCreationOptions.RunContinuationsAsynchronously : TaskCreationOptions.None);

    // Commits on the caller's thread. If the engine completes synchronously, this needs no task, no queue and no thread switch,
    // and reads the clock for listeners only.
    private ValueTask<Submitted> LeadAlone(CommitAttempt attempt, CancellationToken cancellationToken)
    {
        var listenedSince = telemetry.BatchStarted();
        var sent = engine.Send(attempt);
        if (sent.IsCompletedSuccessfully)
        {
            var outcome = sent.Result;
            HandOver();
            return new(new Submitted(outcome, false, telemetry.Measure(1, listenedSince)));
        }

        // A caller that cannot cancel continues where the engine completes, without another thread switch. Others may leave earlier.
        var started = time.GetTimestamp();
        if (!cancellationToken.CanBeCanceled) return FinishAloneAsync(attempt, sent, started);

        var alone = Queued(attempt);
        alone.TrySend();
        var finishing = SettleAsync(alone, sent, started);
        if (!finishing.IsCompleted) leading = finishing;
        return alone.WaitAsync(cancellationToken);
    }

    private async ValueTask<Submitted> FinishAloneAsync(
        CommitAttempt attempt, ValueTask<CommitOutcome> sent, long started)
    {
        try
        {
            var (outcome, wasSettled) = await settlement.AwaitAsync(attempt, sent).ConfigureAwait(false);
            cohort.NoteBatch(started, 1);
            return new(outcome, wasSettled, telemetry.Measure(1, started));
        }
        catch (Exception error) when (Settlement.Explain(error, attempt) is var explained && explained != error)
        {
            throw explained;
        }
        finally
        {
            HandOver();
        }
    }

    // Called with the gate held.
    private void StepDown()
    {
        isLed = false;
        idle?.TrySetResult();
        idle = null;
    }

    // Called with the gate held.
    private Task WhenIdle() =>
        isLed ? (idle ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task : Task.CompletedTask;

    // The leader steps down, or leaves the queue to the store's thread, or one of the pool.
    private void HandOver()
    {
        lock (gate)
        {
            if (queue.IsEmpty) StepDown();
            else if (thread is not null) thread.Wake();
            else leading = BackgroundWork.Start(DrainAsync);
        }
    }

    // Runs on the store's thread.
    private void SendQueued()
    {
        var first = lone;
        lock (gate)
        {
            if (first is not null && !queue.TryTakeFirst()) first = lone = null;
        }

        if (first is not null) SendAlone(first);
        else if (DrainAsync() is { IsCompleted: false } draining) leading = draining;
    }

    private void SendAlone(QueuedAttempt attempt)
    {
        var started = time.GetTimestamp();
        var sent = engine.Send(attempt.Attempt);
        if (sent.IsCompletedSuccessfully) Finish(attempt, started, (sent.Result, false), null);
        else leading = SettleAsync(attempt, sent, started);
    }

    private async Task SettleAsync(QueuedAttempt attempt, ValueTask<CommitOutcome> sent, long started)
    {
        (CommitOutcome Outcome, bool WasSettled) settled = default;
        Exception? failure = null;
        try
        {
            settled = await settlement.AwaitAsync(attempt.Attempt, sent).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            failure = error;
        }

        Finish(attempt, started, settled, failure);
    }

    private void Finish(QueuedAttempt attempt, long started, (CommitOutcome Outcome, bool WasSettled) settled, Exception? failure)
    {
        cohort.NoteBatch(started, 1);
        var measure = telemetry.Measure(1, started);
        if (MakeWayFor(attempt)) Complete();
        else ThreadPool.UnsafeQueueUserWorkItem(_ => Complete(), null);

        void Complete()
        {
            if (failure is null) attempt.TrySetResult(new(settled.Outcome, settled.WasSettled, measure));
            else attempt.TrySetException(Settlement.Explain(failure, attempt.Attempt));
        }
    }

    // The leader steps down before code of the application runs, so that no commit waits for that code. Returns whether it may run here:
    // the thread is lent to it, or is none of the store. Otherwise it continues on the pool.
    private bool MakeWayFor(QueuedAttempt attempt)
    {
        lock (gate)
        {
            lone = null;
            var isLent = thread is { IsCurrent: true } && thread.TryLend(attempt, othersWait: !queue.IsEmpty);
            if (!isLent || queue.IsEmpty) HandOver();
            return isLent || thread is null;
        }
    }

    private async Task DrainAsync()
    {
        while (true)
        {
            await cohort.GatherAsync().ConfigureAwait(false);
            QueuedAttempt[] batch;
            lock (gate) batch = queue.TakeBatch();
            if (batch.Length > 0)
            {
                var started = time.GetTimestamp();
                var done = await SendAsync(batch).ConfigureAwait(false);
                if (done.Failure is null) cohort.NoteBatch(started, batch.Length);
                var measure = telemetry.Measure(batch.Length, started);

                // Where the engine did not complete on the store's thread, this no longer runs on it.
                if (thread is not null && (!thread.IsCurrent || Telemetry.IsListenedTo))
                {
                    if (MakeWayFor(batch[0])) done.Complete(measure);
                    else ThreadPool.UnsafeQueueUserWorkItem(_ => done.Complete(measure), null);
                    return;
                }

                done.Complete(measure);
            }

            lock (gate)
            {
                // Callers whose commits just completed are about to return; the loop waits for them only while it gathers.
                if (!queue.IsEmpty || (!cohort.IsLone && batch.Length > 0)) continue;
                StepDown();
                return;
            }
        }
    }

    private async ValueTask<SentBatch> SendAsync(QueuedAttempt[] batch)
    {
        var attempts = Array.ConvertAll(batch, queued => queued.Attempt);
        try
        {
            var (outcomes, wasSettled) = await settlement.AwaitAsync(attempts, engine.SendAsync(attempts)).ConfigureAwait(false);
            return new(batch, outcomes, wasSettled, null);
        }
        catch (Exception error)
        {
            return new(batch, [], false, error);
        }
    }
}
