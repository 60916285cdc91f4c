using System.Diagnostics.CodeAnalysis;
using EventStore.Diagnostics;
using EventStore.Feeds;
using EventStore.Leases;

namespace EventStore.Consumers;

/// <summary>The time in which this process holds a consumer's name: it reads on from the position that was written, delivers, and writes.</summary>
[SuppressMessage("Design", "CA1001", Justification = "Disposing a semaphore would leave those who wait for their turn waiting for ever; it holds nothing else.")]
internal sealed class ConsumerTerm(ConsumerSetup setup, Lease<ConsumerRecord> lease, IPump pump, ConsumerProgress progress)
{
    // One write at a time: what it took is only then noted as written.
    private readonly SemaphoreSlim writeTurn = new(1, 1);
    private volatile bool isCaughtUp;
    private volatile bool isIdle;
    private volatile bool isLost;

    public ConsumerProgress Progress => progress;

    /// <summary>Reads, delivers and writes until it is stopped or the name is lost.</summary>
    /// <returns>Why the name was lost; null when it was stopped.</returns>
    /// <exception cref="InvalidOperationException">Something that it calls was cancelled, though nobody stopped it.</exception>
    public async Task<string?> RunAsync(CancellationToken stopping)
    {
        pump.Restart();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var holding = lease.HoldAsync(ending.Token);
        var delivering = DeliverAsync(ending.Token);
        var writing = WriteRegularlyAsync(ending.Token);
        var first = await Task.WhenAny(holding, delivering, writing).ConfigureAwait(false);
        await ending.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(holding, delivering, writing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (holding.IsCompletedSuccessfully) return await holding.ConfigureAwait(false);

        var isKept = !isLost && await TryLetGoAsync().ConfigureAwait(false);
        if (delivering.IsFaulted) await delivering.ConfigureAwait(false);
        if (writing.IsFaulted) await writing.ConfigureAwait(false);
        if (stopping.IsCancellationRequested) return null;
        return isKept ? throw await FailureOfAsync(first).ConfigureAwait(false) : "another process took over";
    }

    // Whoever ended first says why: nobody asked for it.
    private async ValueTask<Exception> FailureOfAsync(Task ended)
    {
        try
        {
            await ended.ConfigureAwait(false);
        }
        catch (OperationCanceledException error)
        {
            return new InvalidOperationException($"The consumer '{setup.Name}' was ended by a cancellation that nobody asked for: {error.Message} A hook, a callback or a serializer must not let one of its own out.", error);
        }
        catch (Exception error)
        {
            return error;
        }

        return new InvalidOperationException($"The consumer '{setup.Name}' ended although nobody stopped it.");
    }

    // Writes the last position and lets the name go; false if another process has it.
    private async ValueTask<bool> TryLetGoAsync()
    {
        try
        {
            if (!await TryWriteAsync(CancellationToken.None).ConfigureAwait(false)) return false;
            await lease.ReleaseAsync().ConfigureAwait(false);
        }
        catch (StorageException error)
        {
            Log.ConsumerStorageFailed(setup.Logger, error, setup.Name, setup.Options.LeaseTerm);
        }

        return true;
    }

    private async Task DeliverAsync(CancellationToken cancellationToken)
    {
        var feed = setup.MakeFeed();
        var position = progress.Position;
        Task<FeedPage>? ahead = null;
        try
        {
            while (true)
            {
                var page = await ReadAsync(ahead, feed, position, cancellationToken).ConfigureAwait(false);
                position = page.Position;
                ahead = page.IsEnd ? null : ReadAhead(feed, position, cancellationToken);
                setup.Lag.Value = page.Lag + page.Events.Length;
                if (!page.Events.IsEmpty) (isCaughtUp, isIdle) = (false, false);
                await pump.DeliverAsync(page.Events, progress, cancellationToken).ConfigureAwait(false);
                progress.Scanned(position);
                setup.Lag.Value = page.Lag;
                if (!page.IsEnd)
                {
                    // Consumers that run side by side take turns, page by page, and so find the pages that others have read.
                    await Task.Yield();
                    continue;
                }

                if (!isCaughtUp) setup.Options.CaughtUp?.Invoke();
                isCaughtUp = true;
                if (progress is { IsIdle: true, HasUnwritten: true }) await WriteOrLoseAsync(cancellationToken).ConfigureAwait(false);
                TellIfIdle();
                await WaitAsync(new Checkpoint(position.Checkpoint), cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            setup.Lag.Value = 0;
            if (ahead is not null) await ((Task)ahead).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static Task<FeedPage> ReadAhead(IFeed feed, FeedPosition position, CancellationToken cancellationToken) =>
        Task.Run(() => feed.ReadAsync(position, cancellationToken).AsTask(), CancellationToken.None);

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
                Log.ConsumerStorageFailed(setup.Logger, error, setup.Name, setup.Options.PollInterval);
                await Task.Delay(setup.Options.PollInterval, setup.Time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    // Waking up is a hint, and so is not being able to wait for it.
    private async ValueTask WaitAsync(Checkpoint after, CancellationToken cancellationToken)
    {
        try
        {
            await setup.Engine.WaitForCommitsAsync(after, setup.Options.PollInterval, cancellationToken).ConfigureAwait(false);
        }
        catch (StorageUnavailableException)
        {
            await Task.Delay(setup.Options.PollInterval, setup.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    private void TellIfIdle()
    {
        if (isIdle || !isCaughtUp || !progress.IsIdle) return;
        isIdle = true;
        setup.Options.Idle?.Invoke();
    }

    private async Task WriteRegularlyAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(setup.Options.CheckpointInterval, setup.Time, cancellationToken).ConfigureAwait(false);
            if (progress.HasUnwritten) await WriteOrLoseAsync(cancellationToken).ConfigureAwait(false);
            TellIfIdle();
        }
    }

    /// <summary>Writes what is done. A storage that cannot be reached now is written to later: what was handled since comes again only if this process ends before.</summary>
    /// <exception cref="OperationCanceledException">Another process took over.</exception>
    public async ValueTask WriteOrLoseAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (await TryWriteAsync(cancellationToken).ConfigureAwait(false)) return;
            isLost = true;
            throw new OperationCanceledException("Another process took over.");
        }
        catch (StorageException error) when (error is StorageUnavailableException or BatchOutcomeUnknownException)
        {
            Log.ConsumerStorageFailed(setup.Logger, error, setup.Name, setup.Options.CheckpointInterval);
        }
    }

    /// <summary>What is written, and what is not yet, at one moment.</summary>
    public async ValueTask<(ConsumerRecord Record, ConsumerProgress.Unwritten Unwritten)> LookAsync(Ledger<ConsumerRecord> ledger, CancellationToken cancellationToken)
    {
        await writeTurn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return (await ledger.LoadAsync(cancellationToken).ConfigureAwait(false), progress.Take());
        }
        finally
        {
            writeTurn.Release();
        }
    }

    /// <summary>Writes position and state, which are one document: they move together or not at all. Answers false, and writes nothing, once another process took over.</summary>
    public async ValueTask<bool> TryWriteAsync(CancellationToken cancellationToken)
    {
        await writeTurn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var taken = progress.Take();
            var isWritten = await lease.TryWriteAsync(
                record =>
                {
                    (record.Checkpoint, record.Revision) = (taken.Position.Checkpoint, taken.Position.Revision);
                    record.Parked = [.. taken.ParkedIn(record)];
                    record.Skipped += taken.Skipped;
                    setup.EncodeState(taken.State, record);
                },
                cancellationToken).ConfigureAwait(false);
            if (!isWritten) return false;
            progress.Written(taken);
            setup.Options.Persisted?.Invoke(new Checkpoint(taken.Position.Checkpoint));
            return true;
        }
        finally
        {
            writeTurn.Release();
        }
    }
}
