using EventStore.Diagnostics;

namespace EventStore.Pipeline;

/// <summary>
/// Gathers the attempts of concurrent callers into batches, so that one flush, transaction or script serves many. A single caller commits
/// on its own thread and waits for no other caller.
/// </summary>
/// <remarks>
/// The gate is either <i>idle</i> (no commit is running, the queue is empty) or <i>led</i> (one batch is with the engine, or the leader
/// gathers the next one; all others queue). A caller that finds it idle leads with its own attempt. Attempts queued meanwhile are drained
/// on the thread pool.
/// </remarks>
internal sealed class GroupCommit(
    IPersistenceEngine engine, Settlement settlement, Telemetry telemetry, TimeProvider time) : IAsyncDisposable
{
    private const long MaxBatchBytes = 8 << 20;

    // Limits the gathering where the clock stands still, as the clock of a test may.
    private const int MaxGatherTurns = 10_000;
    private readonly long maxGatherTicks = time.TimestampFrequency / 2000;
    private readonly long minGatherTicks = time.TimestampFrequency / 200_000;

    // Guarded by the gate.
    private readonly Lock gate = new();
    private readonly Queue<Ticket> queue = new();
    private bool isLed;
    private bool isDisposed;
    private Task leading = Task.CompletedTask;
    private readonly TaskCompletionSource idle = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Changed with the gate held, read without.
    private volatile int queueLength;

    // Touched by the leader only.
    private long averageBatchTicks;
    private int expectedCohort = 1;

    /// <summary>Sends an attempt to the engine, alone or in a batch.</summary>
    /// <returns>The outcome, and whether it was unknown at first and had to be settled.</returns>
    /// <exception cref="TooLargeException">The attempt exceeds a limit of the engine.</exception>
    public ValueTask<(CommitOutcome Outcome, bool WasSettled)> SubmitAsync(CommitAttempt attempt, CancellationToken cancellationToken)
    {
        engine.Description.Limits.Require(attempt);
        cancellationToken.ThrowIfCancellationRequested();
        Ticket? ticket = null;
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(isDisposed, typeof(IEventStore));
            if (isLed)
            {
                queue.Enqueue(ticket = new Ticket(attempt));
                queueLength = queue.Count;
            }
            else
            {
                isLed = true;
            }
        }

        return ticket is null ? LeadAlone(attempt, cancellationToken) : ticket.WaitAsync(cancellationToken);
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
    }

    // Commits on the caller's thread. If the engine completes synchronously, this needs no task, no ticket and no thread switch,
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

        var ticket = new Ticket(attempt);
        ticket.TrySend();
        var finishing = FinishAsync(ticket, sent, started);
        if (!finishing.IsCompleted) leading = finishing;
        return ticket.WaitAsync(cancellationToken);
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

    private async Task FinishAsync(Ticket ticket, ValueTask<CommitOutcome> sent, long started)
    {
        await CompleteAsync([ticket], [ticket.Attempt], AsBatchAsync(sent), started).ConfigureAwait(false);
        HandOver();
    }

    private static async ValueTask<IReadOnlyList<CommitOutcome>> AsBatchAsync(ValueTask<CommitOutcome> sent) =>
        [await sent.ConfigureAwait(false)];

    // The leader steps down, or leaves the queue to a thread of the pool.
    private void HandOver()
    {
        lock (gate)
        {
            if (queue.Count == 0) StepDown();
            else leading = BackgroundWork.Start(DrainAsync);
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
                var attempts = Array.ConvertAll(batch, ticket => ticket.Attempt);
                await CompleteAsync(batch, attempts, SendAsync(attempts), started).ConfigureAwait(false);
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

    private async ValueTask<IReadOnlyList<CommitOutcome>> SendAsync(CommitAttempt[] attempts) =>
        await engine.CommitAsync(attempts, CancellationToken.None).ConfigureAwait(false);

    // Waits a short time for the callers of the last batch: without it, callers split into two groups of half the size.
    private async ValueTask GatherAsync()
    {
        var window = Math.Min(averageBatchTicks / 4, maxGatherTicks);
        if (expectedCohort > 1 && window >= minGatherTicks)
        {
            var until = time.GetTimestamp() + window;
            for (var turn = 0; turn < MaxGatherTurns && queueLength < expectedCohort && time.GetTimestamp() < until; turn++)
                await Task.Yield();
        }

        // The expected number shrinks by half of the difference, so that callers that left are soon not waited for.
        var queued = queueLength;
        expectedCohort = Math.Min(
            queued >= expectedCohort ? queued : (expectedCohort + queued) / 2, engine.Description.Limits.MaxBatchAttempts);
    }

    private Ticket[] TakeBatch()
    {
        var batch = new List<Ticket>();
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

    private async Task CompleteAsync(Ticket[] batch, CommitAttempt[] attempts, ValueTask<IReadOnlyList<CommitOutcome>> sent, long started)
    {
        try
        {
            var (outcomes, wasSettled) = await settlement.AwaitAsync(attempts, sent).ConfigureAwait(false);
            RecordBatch(started, batch.Length);
            for (var i = 0; i < batch.Length; i++) batch[i].TrySetResult((outcomes[i], wasSettled));
        }
        catch (Exception error)
        {
            foreach (var ticket in batch) ticket.TrySetException(Settlement.Explain(error, ticket.Attempt));
        }
    }

    private void RecordBatch(long started, int batchSize)
    {
        var took = time.GetTimestamp() - started;
        expectedCohort = Math.Max(expectedCohort, batchSize + queueLength);
        averageBatchTicks = averageBatchTicks == 0 ? took : averageBatchTicks + ((took - averageBatchTicks) / 8);
        telemetry.BatchDone(batchSize, started);
    }

    /// <summary>A caller in the queue: <i>waiting</i> until it is either <i>sent</i> or <i>cancelled</i>, whichever comes first.</summary>
    private sealed class Ticket(CommitAttempt attempt)
        : TaskCompletionSource<(CommitOutcome Outcome, bool WasSettled)>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        private const int Waiting = 0;
        private const int Sent = 1;
        private const int Cancelled = 2;
        private int state = Waiting;

        public CommitAttempt Attempt { get; } = attempt;

        public bool TrySend() => Interlocked.CompareExchange(ref state, Sent, Waiting) == Waiting;

        public ValueTask<(CommitOutcome Outcome, bool WasSettled)> WaitAsync(CancellationToken cancellationToken) =>
            cancellationToken.CanBeCanceled ? WaitCancellableAsync(cancellationToken) : new(Task);

        private async ValueTask<(CommitOutcome Outcome, bool WasSettled)> WaitCancellableAsync(CancellationToken cancellationToken)
        {
            await using var registration = cancellationToken.UnsafeRegister(Cancel, cancellationToken).ConfigureAwait(false);
            return await Task.ConfigureAwait(false);
        }

        private void Cancel(object? token)
        {
            if (Interlocked.CompareExchange(ref state, Cancelled, Waiting) == Waiting) TrySetCanceled((CancellationToken)token!);
            else
                TrySetException(new CommitOutcomeUnknownException(Attempt.Stream, Attempt.CommitId, "it was cancelled after it was sent."));
        }
    }
}
