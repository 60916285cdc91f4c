using EventStore.Feeds;
using EventStore.Leases;

namespace EventStore.Consumers;

/// <summary>Decides where a consumer begins, once, and writes it before anything is delivered. Called with the lease held.</summary>
internal sealed class ConsumerOpening(ConsumerClaim claim, EventFeeds feeds)
{
    private long? failingSince;

    /// <summary>The position and the state with which the consumer continues, or begins.</summary>
    /// <exception cref="PositionAheadException">The store ends before the position.</exception>
    /// <exception cref="ConsumerTakenException">Another process took over.</exception>
    public async ValueTask<(FeedPosition Position, object? State)> OpenAsync(StateKeeper keeper, CancellationToken cancellationToken)
    {
        var (record, kind) = (claim.Lease.Ledger.Known, claim.Definition.State);
        var isStateOutdated = kind.Initial is not null && record.IsStarted && record.StateVersion != kind.SchemaVersion;
        var position = new FeedPosition(record.Checkpoint, record.Revision);
        if (!record.IsStarted || isStateOutdated) position = await BeginAsync(kind, cancellationToken).ConfigureAwait(false);

        var head = await TryAsync(feeds.FindHeadAsync, cancellationToken).ConfigureAwait(false);
        if (record.IsStarted && position.Checkpoint > head.Value)
            throw new PositionAheadException(claim.Name, new Checkpoint(position.Checkpoint), head);
        var state = await TryAsync(token => keeper.OpenAsync(claim.Lease.Ledger.Known, token), cancellationToken).ConfigureAwait(false);
        claim.Report.LogActive(new Checkpoint(position.Checkpoint));
        return (position, state);
    }

    private async ValueTask<FeedPosition> BeginAsync(IConsumerState kind, CancellationToken cancellationToken)
    {
        var feed = feeds.Open(claim.Definition.Source);
        var position = await TryAsync(
            token => EventFeeds.FindStartAsync(feed, claim.Options.StartFrom, token), cancellationToken).ConfigureAwait(false);
        var isWritten = await TryAsync(
            token => claim.Lease.TryWriteAsync(begun => begun.Begin(position, kind.SchemaVersion), token), cancellationToken)
            .ConfigureAwait(false);
        return isWritten ? position : throw new ConsumerTakenException(claim.Name, "another process took over.");
    }

    // Each step is repeated by itself: a storage that fails now and then lets single calls through, but hardly all of them in a row. A start
    // that does not wait for its name does not wait longer for the storage than for the name.
    private async ValueTask<T> TryAsync<T>(Func<CancellationToken, ValueTask<T>> step, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await step(cancellationToken).ConfigureAwait(false);
            }
            catch (StorageException error) when (Outage.Explains(error) && MayWait())
            {
                claim.Report.LogStorageFailure(error, claim.Options.PollInterval);
                await Task.Delay(claim.Options.PollInterval, claim.Time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private bool MayWait()
    {
        failingSince ??= claim.Time.GetTimestamp();
        return claim.Options.WhenTaken == WhenTaken.Wait || claim.Time.GetElapsedTime(failingSince.Value) < claim.Options.LeaseTerm;
    }
}
