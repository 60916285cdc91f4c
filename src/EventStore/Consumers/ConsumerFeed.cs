using EventStore.Feeds;
using EventStore.Leases;

namespace EventStore.Consumers;

/// <summary>
/// Reads the source of one term page by page, the next page while the present one is delivered. Waits while the storage is unavailable.
/// </summary>
internal sealed class ConsumerFeed(ConsumerClaim claim, EventFeeds feeds) : IAsyncDisposable
{
    private readonly IFeed feed = feeds.Open(
        new FeedRequest(claim.Name, claim.Definition.Source, claim.Lease.Ledger.Known.Origin));

    private Task<FeedPage>? ahead;

    public async ValueTask<FeedPage> ReadAsync(FeedPosition position, CancellationToken cancellationToken)
    {
        var page = await RetryAsync(position, cancellationToken).ConfigureAwait(false);
        ahead = page.IsEnd ? null : Task.Run(() => feed.ReadAsync(page.Position, cancellationToken).AsTask(), CancellationToken.None);
        return page;
    }

    /// <summary>Returns when there may be new events. The wait is a hint only, so it may also end early or late.</summary>
    public async ValueTask WaitAsync(FeedPosition after, CancellationToken cancellationToken)
    {
        try
        {
            await feeds.WaitForCommitsAsync(after, claim.Options.PollInterval, cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException error) when (Outage.Explains(error))
        {
            await Task.Delay(claim.Options.PollInterval, claim.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (ahead is not null) await ((Task)ahead).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async ValueTask<FeedPage> RetryAsync(FeedPosition position, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await (ahead ?? feed.ReadAsync(position, cancellationToken).AsTask()).ConfigureAwait(false);
            }
            catch (StorageException error) when (Outage.Explains(error))
            {
                ahead = null;
                claim.Report.LogStorageFailure(error, claim.Options.PollInterval);
                await Task.Delay(claim.Options.PollInterval, claim.Time, cancellationToken).ConfigureAwait(false);
            }
        }
    }
}
