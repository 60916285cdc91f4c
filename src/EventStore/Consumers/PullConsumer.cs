using EventStore.Feeds;

namespace EventStore.Consumers;

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
