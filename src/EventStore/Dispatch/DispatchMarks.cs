using System.Runtime.CompilerServices;
using EventStore.Deliveries;
using EventStore.Leases;
using EventStore.Pipeline;

namespace EventStore.Dispatch;

/// <summary>Lists stored events by their dispatch progress, and marks them as dispatched.</summary>
internal sealed class DispatchMarks(Ledger<DispatchProgress> ledger, ReadPath reads)
{
    /// <summary>Completes when this process next writes the progress. Take it before the progress is read.</summary>
    public Task NextChange => ledger.NextChange;

    /// <summary>The stored progress.</summary>
    public ValueTask<DispatchProgress> LoadAsync(CancellationToken cancellationToken) => ledger.LoadAsync(cancellationToken);

    public ValueTask<Checkpoint> FindHeadAsync(CancellationToken cancellationToken) => reads.Pages.FindHeadAsync(cancellationToken);

    public CommittedEvent? Show(in RecordedEvent recorded, EventDecoding decoding) => reads.Show(recorded, decoding);

    /// <summary>
    /// Reads what is not dispatched. Parked events below the watermark come first, then the unmarked ones above it, which is store order.
    /// </summary>
    /// <exception cref="PositionAheadException">The store ends before the watermark: it was set back.</exception>
    public async IAsyncEnumerable<RecordedEvent> ReadUndispatchedAsync(
        EventFilter filter, DispatchProgress progress, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var head = await FindHeadAsync(cancellationToken).ConfigureAwait(false);
        if (head.Value < progress.Watermark) throw new PositionAheadException("dispatch", new Checkpoint(progress.Watermark), head);
        foreach (var range in progress.Parked.Where(range => range.First <= progress.Watermark))
        {
            var last = Math.Min(range.Last, progress.Watermark);
            var parked = ReadAsync(filter, range.First - 1, last, cancellationToken);
            await foreach (var recorded in parked.ConfigureAwait(false)) yield return recorded;
        }

        await foreach (var recorded in ReadAsync(filter, progress.Watermark, long.MaxValue, cancellationToken).ConfigureAwait(false))
        {
            var checkpoint = recorded.Checkpoint.Value;
            if (progress.IsParked(checkpoint) || !progress.IsMarked(checkpoint)) yield return recorded;
        }
    }

    /// <summary>Reads stored events after one checkpoint and up to another.</summary>
    public async IAsyncEnumerable<RecordedEvent> ReadAsync(
        EventFilter filter, long after, long upTo, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var pages = reads.Pages.ReadAllAsync(filter, new Checkpoint(after), new Checkpoint(upTo), cancellationToken);
        await foreach (var page in pages.ConfigureAwait(false))
        {
            for (var i = 0; i < page.Events.Length; i++) yield return page.Events.Span[i];
        }
    }

    /// <summary>Marks events as dispatched, and no longer as parked.</summary>
    public async ValueTask MarkAsync(IReadOnlyCollection<long> checkpoints, CancellationToken cancellationToken)
    {
        if (checkpoints.Count == 0) return;
        var ranges = checkpoints.Select(CheckpointRange.Of);
        await ledger.ChangeAsync(progress => progress.Mark(ranges).Unpark(ranges), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Removes ranges from the parked events.</summary>
    public async ValueTask UnparkAsync(IReadOnlyCollection<CheckpointRange> ranges, CancellationToken cancellationToken)
    {
        if (ranges.Count == 0) return;
        await ledger.ChangeAsync(progress => progress.Unpark(ranges), cancellationToken).ConfigureAwait(false);
    }
}
