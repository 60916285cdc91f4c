using EventStore.Pipeline;
using EventStore.Streams;

namespace EventStore.Retention;

/// <summary>
/// Truncates the streams of categories as their policies say. It only ever truncates, and unless a policy says otherwise never what a
/// snapshot, the dispatcher or a durable consumer still needs (G57).
/// </summary>
internal sealed class EventRetention(
    IReadOnlyList<RetentionPolicy> policies, PageReader pages, StoreMaintenance maintenance, RetentionBounds bounds)
    : IRetention
{
    public async ValueTask<RetentionReport> ApplyAsync(CancellationToken cancellationToken = default)
    {
        pages.ThrowIfEnded();
        var (streams, events, heldBackBy) = (0L, 0L, new SortedSet<string>(StringComparer.Ordinal));
        foreach (var policy in policies)
        {
            var bound = await bounds.FindAsync(policy.Options, cancellationToken).ConfigureAwait(false);
            var heads = pages.ListHeadsAsync(policy.Options.Bucket, policy.Category, idPrefix: "", cancellationToken);
            await foreach (var head in heads.ConfigureAwait(false))
            {
                var (first, heldBack) = await FindFirstToKeepAsync(policy.Options, head, bound, cancellationToken).ConfigureAwait(false);
                if (heldBack is not null) heldBackBy.Add(heldBack);
                if (first <= head.FirstRevision) continue;
                var removed = await TruncateAsync(head, first, cancellationToken).ConfigureAwait(false);
                if (removed > 0) (streams, events) = (streams + 1, events + removed);
            }
        }

        return new RetentionReport(streams, events, [.. heldBackBy]);
    }

    // A stream that was deleted and created again meanwhile is left for the next time.
    private async ValueTask<long> TruncateAsync(StreamHead head, Revision first, CancellationToken cancellationToken)
    {
        var expected = new StreamExpectation(ExpectedRevision.Any, head.Incarnation);
        var change = await maintenance.TruncateAsync(head.Stream, first, expected, cancellationToken).ConfigureAwait(false);
        return change.Kind == StreamChangeKind.Changed ? change.State.FirstRevision.Value - head.FirstRevision.Value : 0;
    }

    private async ValueTask<(Revision First, string? HeldBackBy)> FindFirstToKeepAsync(
        RetentionOptions options, StreamHead head, RetentionBound bound, CancellationToken cancellationToken)
    {
        var first = head.FirstRevision.Value;
        if (options.MaxEvents is { } most) first = Math.Max(first, head.Revision.Value - most + 1);
        if (options.MaxAge is { } age)
        {
            var oldest = bounds.Now - age;
            var young = await FindAsync(head, recorded => recorded.Commit.Stamp >= oldest, cancellationToken).ConfigureAwait(false);
            first = Math.Max(first, young);
        }

        if (first == head.FirstRevision.Value) return (head.FirstRevision, null);
        string? heldBackBy = null;
        var snapshot = head.SnapshotRevision.Value;
        if (!options.IgnoresSnapshots && snapshot > 0 && first > snapshot + 1) (first, heldBackBy) = (snapshot + 1, "snapshots");
        var unhandled = await FindAsync(head, recorded => recorded.Checkpoint > bound.UpTo, cancellationToken).ConfigureAwait(false);
        if (first > unhandled) (first, heldBackBy) = (unhandled, bound.Owner);
        return (new Revision(first), heldBackBy);
    }

    // The first revision of which something holds that holds for all later ones; one above the head for none.
    private async ValueTask<long> FindAsync(StreamHead head, Func<RecordedEvent, bool> holds, CancellationToken cancellationToken)
    {
        var (low, high) = (head.FirstRevision.Value, head.Revision.Value + 1);
        var middle = low;
        while (low < high)
        {
            // An event that is gone was truncated meanwhile, and with it everything before.
            var found = await pages.FindAsync(head.Stream, new Revision(middle), cancellationToken).ConfigureAwait(false);
            if (found is { } recorded && holds(recorded)) high = middle;
            else low = middle + 1;
            middle = low + ((high - low) / 2);
        }

        return low;
    }
}
