using EventStore.Deliveries;
using EventStore.Feeds;
using EventStore.Leases;

namespace EventStore.Consumers;

/// <summary>The time in which this process holds a consumer's name: it reads from the written position on, delivers, and writes.</summary>
internal sealed class ConsumerTerm
{
    private readonly ConsumerClaim claim;
    private readonly EventFeeds feeds;
    private readonly PauseGate gate;
    private readonly ProgressWriter<ConsumerRecord> writer;
    private volatile bool isCaughtUp;
    private volatile bool isIdle;
    private volatile bool isLost;

    public ConsumerTerm(ConsumerClaim claim, EventFeeds feeds, FailurePolicy policy, ConsumerProgress progress)
    {
        (this.claim, this.feeds, gate, Progress) = (claim, feeds, policy.Gate, progress);
        Pacing = new WritePacing(claim.Options, claim.Time);
        writer = new ProgressWriter<ConsumerRecord>(claim.Lease, progress, claim.Options.EventsPerCheckpoint, ReportWritten);
        Pump = claim.Definition.MakePump(new PumpContext(policy, progress, claim.Options, WriteOrLoseAsync) { Pacing = Pacing });
    }

    public ConsumerProgress Progress { get; }

    public IPump Pump { get; }

    public WritePacing Pacing { get; }

    /// <summary>The bytes of the state as it was last stored.</summary>
    public long StateBytes => Progress.StateBytes;

    /// <summary>Reads, delivers and writes until it is stopped or the name is lost.</summary>
    /// <returns>Why the name was lost; null when it was stopped.</returns>
    /// <exception cref="InvalidOperationException">
    /// A hook or a serializer of the application let out a cancellation although nothing was stopped.
    /// </exception>
    public async Task<string?> RunAsync(CancellationToken stopping)
    {
        Pump.Begin();
        gate.SetDoubt(false);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var holding = claim.Lease.HoldAsync(gate.SetDoubt, ending.Token);
        var delivering = DeliverAsync(ending.Token);
        var writing = WriteRegularlyAsync(ending.Token);
        var first = await Task.WhenAny(holding, delivering, writing).ConfigureAwait(false);
        await ending.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(holding, delivering, writing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (holding.IsCompletedSuccessfully) return await holding.ConfigureAwait(false);

        var isKept = !isLost && await TryWriteLastAsync().ConfigureAwait(false);
        if (isKept) await claim.ReleaseAsync().ConfigureAwait(false);
        if (delivering.IsFaulted) await delivering.ConfigureAwait(false);
        if (writing.IsFaulted) await writing.ConfigureAwait(false);
        if (stopping.IsCancellationRequested) return null;
        return isKept ? throw await FailureOfAsync(first).ConfigureAwait(false) : "another process took over";
    }

    /// <summary>
    /// Writes position and state, which are one document. Returns false, and writes nothing, if another process took over.
    /// </summary>
    public ValueTask<bool> TryWriteAsync(CancellationToken cancellationToken) => writer.TryWriteAsync(cancellationToken);

    /// <summary>Reads the stored record together with what is not written yet, at one moment.</summary>
    public ValueTask<(ConsumerRecord Record, ConsumerProgress.Unwritten Unwritten)> ReadAsync(CancellationToken cancellationToken) =>
        writer.ReadAsync(record => (record, Progress.Take()), cancellationToken);

    // The task that ended first shows the reason.
    private async ValueTask<Exception> FailureOfAsync(Task ended)
    {
        try
        {
            await ended.ConfigureAwait(false);
        }
        catch (OperationCanceledException error)
        {
            return new InvalidOperationException(
                $"The consumer '{Names.Printable(claim.Name)}' was ended by a cancellation although it was not stopped. "
                + "A hook or a serializer must not throw an OperationCanceledException of its own.",
                error);
        }
        catch (Exception error)
        {
            return error;
        }

        return new InvalidOperationException($"The consumer '{Names.Printable(claim.Name)}' ended although it was not stopped.");
    }

    // Writes the last position; false if another process has the name. Where it cannot be written, the events come again.
    private async ValueTask<bool> TryWriteLastAsync()
    {
        try
        {
            return await TryWriteAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            claim.Report.LogNotWritten(error);
            return true;
        }
    }

    private async Task DeliverAsync(CancellationToken cancellationToken)
    {
        var position = Progress.Position;
        var feed = new ConsumerFeed(claim, feeds);
        await using var reading = feed.ConfigureAwait(false);
        while (true)
        {
            var page = await feed.ReadAsync(position, cancellationToken).ConfigureAwait(false);
            position = page.Position;
            await DeliverAsync(page, cancellationToken).ConfigureAwait(false);
            if (!page.IsEnd)
            {
                // Consumers that run side by side take turns, page by page, and so find the pages that others have read.
                await Task.Yield();
                continue;
            }

            if (!isCaughtUp) Notify(claim.Options.OnCaughtUp, nameof(ConsumerOptions.OnCaughtUp));
            isCaughtUp = true;
            if (Pacing.IsTime && Progress is { IsIdle: true, HasUnwritten: true })
                await WriteOrLoseAsync(cancellationToken).ConfigureAwait(false);
            ReportIfIdle();
            await feed.WaitAsync(position, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask DeliverAsync(FeedPage page, CancellationToken cancellationToken)
    {
        if (page.Events.Count > 0) (isCaughtUp, isIdle) = (false, false);
        if (page.Missed > 0 && claim.Definition.Source.Stream is { } stream) claim.Report.LogMissed(page.Missed, stream);
        await Pump.DeliverAsync(page.Events, cancellationToken).ConfigureAwait(false);
        Progress.Scanned(page.Position);
    }

    private void ReportWritten(ConsumerRecord record)
    {
        Pacing.Written(claim.Lease.Ledger.WrittenBytes + Progress.StateBytesBeside);
        if (claim.Options.OnPersisted is { } persisted)
            Notify(() => persisted(new Checkpoint(record.Checkpoint)), nameof(ConsumerOptions.OnPersisted));
    }

    private void ReportIfIdle()
    {
        if (isIdle || !isCaughtUp || !Progress.IsIdle) return;
        isIdle = true;
        Notify(claim.Options.OnIdle, nameof(ConsumerOptions.OnIdle));
    }

    // A callback reports what has happened, which an exception of it does not change.
    private void Notify(Action? callback, string option)
    {
        try
        {
            callback?.Invoke();
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            claim.Report.LogCallbackFailed(error, option);
        }
    }

    private async Task WriteRegularlyAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(claim.Options.CheckpointInterval, claim.Time, cancellationToken).ConfigureAwait(false);
            if (Pacing.IsTime && Progress.HasUnwritten) await WriteOrLoseAsync(cancellationToken).ConfigureAwait(false);
            ReportIfIdle();
        }
    }

    // Writes what is done. If that fails, a later write includes it; events are delivered again only if the process ends before.
    private async ValueTask WriteOrLoseAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (await TryWriteAsync(cancellationToken).ConfigureAwait(false)) return;
            isLost = true;
            throw new OperationCanceledException("Another process took over.");
        }
        catch (StorageException error)
        {
            Pacing.Failed();
            claim.Report.LogStorageFailure(error, claim.Options.CheckpointInterval);
        }
    }
}
