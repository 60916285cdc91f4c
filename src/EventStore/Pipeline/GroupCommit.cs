using EventStore.Diagnostics;

namespace EventStore.Pipeline;

/// <summary>
/// Gathers the attempts of concurrent callers into batches, so that one flush, transaction or script serves many. Attempts reach the
/// engine in the order in which they were submitted.
/// </summary>
/// <remarks>
/// The gate is either <i>idle</i> (no commit is running, the queue is empty) or <i>led</i> (one batch is with the engine, or the leader
/// gathers the next one; all others queue). Over an engine that blocks, every attempt is queued, and a thread of this store leads. There
/// an attempt that finds the gate idle is <i>lone</i>: it is sent alone, and its caller continues on the store's thread. Over other
/// engines, a caller that finds the gate idle leads with its own attempt, and waits for no other caller. What is queued meanwhile is
/// drained by the store's thread where the engine commits on the calling thread. Elsewhere the thread pool drains it.
/// </remarks>
internal sealed class GroupCommit : IAsyncDisposable
{
    private const long MaxBatchBytes = 8 << 20;

    // Limits the gathering where the clock stands still, as the clock of a test may.
    private const int MaxGatherTurns = 10_000;
    private readonly IPersistenceEngine engine;
    private readonly Settlement settlement;
    private readonly Telemetry telemetry;
    private readonly TimeProvider time;
    private readonly long maxGatherTicks;
    private readonly long minGatherTicks;

    // Null where the thread pool sends the batches.
    private readonly CommitThread? thread;
    private readonly bool mayLeadAlone;

    // Guarded by the gate.
    private readonly Lock gate = new();
    private readonly Queue<QueuedAttempt> queue = new();
    private bool isLed;
    private bool isDisposed;
    private volatile QueuedAttempt? lone;
    private Task leading = Task.CompletedTask;
    private readonly TaskCompletionSource idle = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Changed with the gate held, read without.
    private volatile int queueLength;

    // Touched by the leader only, and by an attempt that finds the gate idle.
    private long averageBatchTicks;
    private int expectedCohort = 1;

    public GroupCommit(IPersistenceEngine engine, Settlement settlement, Telemetry telemetry, TimeProvider time)
    {
        (this.engine, this.settlement, this.telemetry, this.time) = (engine, settlement, telemetry, time);
        (maxGatherTicks, minGatherTicks) = (time.TimestampFrequency / 2000, time.TimestampFrequency / 200_000);
        mayLeadAlone = engine.Description.CommitThreading != CommitThreading.Blocking;
        if (engine.Description.CommitThreading != CommitThreading.Asynchronous) thread = new CommitThread(gate, SendQueued);
    }

    /// <summary>Whether outcomes may reach their callers on the thread that sends batches.</summary>
    public bool HasThread => thread is not null;

    /// <summary>Whether a commit that was just submitted is a lone one: its caller may continue on the thread that sends batches.</summary>
    public bool IsLone(Guid commitId) => lone is { } sent && sent.Attempt.CommitId == commitId;

    /// <summary>
    /// Continues on the thread pool if it is called on the thread that sends batches. Called before anything that runs code of the
    /// application, reads, or throws: the next batch must not wait for it.
    /// </summary>
    public ValueTask LeaveThreadAsync()
    {
        return thread is { IsCurrent: true } ? new(YieldAsync()) : default;

        static async Task YieldAsync() => await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
    }

    /// <summary>Sends an attempt to the engine, alone or in a batch.</summary>
    /// <returns>The outcome, and whether it was unknown at first and had to be settled.</returns>
    /// <exception cref="TooLargeException">The attempt exceeds a limit of the engine.</exception>
    public ValueTask<(CommitOutcome Outcome, bool WasSettled)> SubmitAsync(CommitAttempt attempt, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        QueuedAttempt? queued = null;
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(isDisposed, typeof(IEventStore));
            if (isLed || !mayLeadAlone)
            {
                engine.Description.Limits.Require(attempt); // the engine would refuse the whole batch
                queue.Enqueue(queued = Queued(attempt));
                queueLength = queue.Count;
                if (!isLed && expectedCohort <= 1) lone = queued;
                if (thread is not null && (!isLed || thread.IsLent)) thread.Wake();
            }

            isLed = true;
        }

        return queued is null ? LeadAlone(attempt, cancellationToken) : queued.WaitAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        lock (gate)
        {
            isDisposed = true;
            if (!isLed) idle.TrySetResult();
        }

        await idle.Task.ConfigureAwait(false);
        await leading.ConfigureAwait(false);
        if (thread is not null) await thread.DisposeAsync().ConfigureAwait(false);
    }

    // Outcomes continue on the store's thread where there is one: the steps after it are short, or leave it.
    private QueuedAttempt Queued(CommitAttempt attempt) =>
        new(attempt, thread is null ? TaskCreationOptions.RunContinuationsAsynchronously : TaskCreationOptions.None);

    // Commits on the caller's thread. If the engine completes synchronously, this needs no task, no queue and no thread switch,
    // and reads the clock for listeners only.
    private ValueTask<(CommitOutcome Outcome, bool WasSettled)> LeadAlone(CommitAttempt attempt, CancellationToken cancellationToken)
    {
        var listenedSince = telemetry.BatchStarted();
        ValueTask<CommitOutcome> sent;
        try
        {
            sent = engine.CommitAsync(attempt, CancellationToken.None);
        }
        catch (Exception error)
        {
            sent = ValueTask.FromException<CommitOutcome>(error);
        }

        if (sent.IsCompletedSuccessfully)
        {
            var outcome = sent.Result;
            HandOver(); // first, because a listener may throw
            telemetry.BatchDone(1, listenedSince);
            return new((outcome, false));
        }

        // A caller that cannot cancel continues where the engine completes, without another thread switch. Others may leave earlier.
        var started = time.GetTimestamp();
        if (!cancellationToken.CanBeCanceled) return FinishAloneAsync(attempt, sent, started);

        var alone = Queued(attempt);
        alone.TrySend();
        var finishing = FinishAsync(alone, sent, started);
        if (!finishing.IsCompleted) leading = finishing;
        return alone.WaitAsync(cancellationToken);
    }

    private async ValueTask<(CommitOutcome Outcome, bool WasSettled)> FinishAloneAsync(
        CommitAttempt attempt, ValueTask<CommitOutcome> sent, long started)
    {
        try
        {
            var (outcomes, wasSettled) = await settlement.AwaitAsync([attempt], AsBatchAsync(sent)).ConfigureAwait(false);
            RecordBatch(started, 1);
            return (outcomes[0], wasSettled);
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
        if (isDisposed) idle.TrySetResult();
    }

    private async Task FinishAsync(QueuedAttempt alone, ValueTask<CommitOutcome> sent, long started)
    {
        await CompleteAsync([alone], [alone.Attempt], AsBatchAsync(sent), started).ConfigureAwait(false);
        HandOver();
    }

    private static async ValueTask<IReadOnlyList<CommitOutcome>> AsBatchAsync(ValueTask<CommitOutcome> sent) =>
        [await sent.ConfigureAwait(false)];

    // The leader steps down, or leaves the queue to the store's thread, or one of the pool.
    private void HandOver()
    {
        lock (gate)
        {
            if (queue.Count == 0) StepDown();
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
            if (first is not null) queue.Dequeue();
            queueLength = queue.Count;
            if (first?.TrySend() != true) lone = null; // there is none, or it was cancelled while it waited
        }

        if (lone is not null) SendLone(first!);
        else leading = DrainAsync();
    }

    private void SendLone(QueuedAttempt attempt)
    {
        var started = time.GetTimestamp();
        ValueTask<CommitOutcome> sent;
        try
        {
            sent = engine.CommitAsync(attempt.Attempt, CancellationToken.None);
        }
        catch (Exception error)
        {
            sent = ValueTask.FromException<CommitOutcome>(error);
        }

        if (sent.IsCompletedSuccessfully) FinishLone(attempt, started, (sent.Result, false), null);
        else leading = SettleLoneAsync(attempt, started, sent);
    }

    private async Task SettleLoneAsync(QueuedAttempt attempt, long started, ValueTask<CommitOutcome> sent)
    {
        (CommitOutcome Outcome, bool WasSettled) result = default;
        Exception? failure = null;
        try
        {
            var (outcomes, wasSettled) = await settlement.AwaitAsync([attempt.Attempt], AsBatchAsync(sent)).ConfigureAwait(false);
            result = (outcomes[0], wasSettled);
        }
        catch (Exception error)
        {
            failure = Settlement.Explain(error, attempt.Attempt);
        }

        FinishLone(attempt, started, result, failure);
    }

    // The leader steps down first, so that no commit waits for the code of this caller.
    private void FinishLone(QueuedAttempt attempt, long started, (CommitOutcome Outcome, bool WasSettled) result, Exception? failure)
    {
        NoteBatch(started, 1);
        bool isLent;
        lock (gate)
        {
            lone = null;
            isLent = thread!.IsCurrent;
            var othersWait = queue.Count > 0;
            if (!othersWait) StepDown();
            if (isLent) thread.Lend(othersWait);
            else if (othersWait) thread.Wake();
        }

        if (isLent) Complete();
        else ThreadPool.UnsafeQueueUserWorkItem(_ => Complete(), null);

        void Complete()
        {
            try
            {
                telemetry.BatchDone(1, started);
            }
            catch (Exception error)
            {
                failure ??= Settlement.Explain(error, attempt.Attempt); // of a listener
            }

            if (failure is null) attempt.TrySetResult(result);
            else attempt.TrySetException(failure);
        }
    }

    private async Task DrainAsync()
    {
        while (true)
        {
            await GatherAsync().ConfigureAwait(false);
            var batch = TakeBatch();
            if (batch.Length > 0)
            {
                var started = time.GetTimestamp();
                var attempts = Array.ConvertAll(batch, queued => queued.Attempt);
                var completing = CompleteAsync(batch, attempts, SendAsync(attempts), started);
                var isLeft = thread is not null && !completing.IsCompleted;
                await completing.ConfigureAwait(false);
                if (isLeft)
                {
                    // The engine did not complete on the store's thread, so this no longer runs on it.
                    HandOver();
                    return;
                }
            }

            lock (gate)
            {
                if (queue.Count > 0) continue;

                // Callers whose commits just completed are about to return; the loop waits for them only while it gathers.
                if (expectedCohort <= 1 || batch.Length == 0)
                {
                    StepDown();
                    return;
                }
            }
        }
    }

    private async ValueTask<IReadOnlyList<CommitOutcome>> SendAsync(CommitAttempt[] attempts) => attempts.Length == 1
        ? [await engine.CommitAsync(attempts[0], CancellationToken.None).ConfigureAwait(false)]
        : await engine.CommitAsync(attempts, CancellationToken.None).ConfigureAwait(false);

    // Waits a short time for the callers of the last batch: without it, callers split into two groups of half the size.
    private async ValueTask GatherAsync()
    {
        var window = Math.Min(averageBatchTicks / 4, maxGatherTicks);
        if (expectedCohort > 1 && window >= minGatherTicks)
        {
            var until = time.GetTimestamp() + window;
            for (var turn = 0; turn < MaxGatherTurns && queueLength < expectedCohort && time.GetTimestamp() < until; turn++)
            {
                if (thread is null) await Task.Yield();
                else Thread.Yield();
            }
        }

        // The expected number shrinks by half of the difference, so that callers that left are soon not waited for.
        var queued = queueLength;
        expectedCohort = Math.Min(
            queued >= expectedCohort ? queued : (expectedCohort + queued) / 2, engine.Description.Limits.MaxBatchAttempts);
    }

    private QueuedAttempt[] TakeBatch()
    {
        var batch = new List<QueuedAttempt>();
        long bytes = 0;
        lock (gate)
        {
            while (queue.TryPeek(out var next) && batch.Count < engine.Description.Limits.MaxBatchAttempts)
            {
                if (batch.Count > 0 && bytes + next.Attempt.SizeBytes > MaxBatchBytes) break;
                queue.Dequeue();
                if (!next.TrySend()) continue; // cancelled while it waited
                bytes += next.Attempt.SizeBytes;
                batch.Add(next);
            }

            queueLength = queue.Count;
        }

        return [.. batch];
    }

    private async Task CompleteAsync(
        QueuedAttempt[] batch, CommitAttempt[] attempts, ValueTask<IReadOnlyList<CommitOutcome>> sent, long started)
    {
        try
        {
            var (outcomes, wasSettled) = await settlement.AwaitAsync(attempts, sent).ConfigureAwait(false);
            RecordBatch(started, batch.Length);
            for (var i = 0; i < batch.Length; i++) batch[i].TrySetResult((outcomes[i], wasSettled));
        }
        catch (Exception error)
        {
            foreach (var queued in batch) queued.TrySetException(Settlement.Explain(error, queued.Attempt));
        }
    }

    private void RecordBatch(long started, int batchSize)
    {
        NoteBatch(started, batchSize);
        telemetry.BatchDone(batchSize, started);
    }

    private void NoteBatch(long started, int batchSize)
    {
        var took = time.GetTimestamp() - started;
        expectedCohort = Math.Max(expectedCohort, batchSize + queueLength);
        averageBatchTicks = averageBatchTicks == 0 ? took : averageBatchTicks + ((took - averageBatchTicks) / 8);
    }
}
