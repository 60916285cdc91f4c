using EventStore.Consumers;
using EventStore.Dispatch;
using EventStore.Leases;

namespace EventStore.Retention;

/// <summary>Up to where events may be removed.</summary>
/// <param name="UpTo">Events after it stay.</param>
/// <param name="Owner">What needs the events after it; null where nothing does.</param>
internal readonly record struct RetentionBound(Checkpoint UpTo, string? Owner);

/// <summary>Finds up to where every event is dispatched and handled by all durable consumers.</summary>
/// <param name="dispatch">The progress of dispatch; null where it is not tracked.</param>
/// <param name="hasDispatcher">Whether this store dispatches. Otherwise nothing waits for dispatch until something was marked.</param>
/// <param name="consumers">The consumers.</param>
/// <param name="time">The clock.</param>
internal sealed class RetentionBounds(
    Ledger<DispatchProgress>? dispatch, bool hasDispatcher, ConsumerDocuments consumers, TimeProvider time)
{
    public DateTimeOffset Now => time.GetUtcNow();

    public async ValueTask<RetentionBound> FindAsync(RetentionOptions options, CancellationToken cancellationToken)
    {
        var bound = new RetentionBound(Checkpoint.Max, null);
        if (!options.IgnoresDispatch && dispatch is not null)
        {
            var progress = await dispatch.LoadAsync(cancellationToken).ConfigureAwait(false);
            if (hasDispatcher || progress.Watermark > 0 || progress.MarkedCount > 0)
                bound = new RetentionBound(new Checkpoint(progress.FindLowestNeeded() - 1), "dispatch");
        }

        if (options.IgnoresConsumers) return bound;
        await foreach (var (name, handled) in consumers.ListPositionsAsync(cancellationToken).ConfigureAwait(false))
        {
            if (handled < bound.UpTo) bound = new RetentionBound(handled, $"consumer '{Names.Printable(name)}'");
        }

        return bound;
    }
}
