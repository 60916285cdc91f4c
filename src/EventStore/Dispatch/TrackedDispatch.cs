using System.Runtime.CompilerServices;
using EventStore.Leases;
using EventStore.Pipeline;

namespace EventStore.Dispatch;

/// <summary>Lists and marks what is dispatched, by the scheduler or by the application itself.</summary>
internal sealed class TrackedDispatch(
    IPersistenceEngine engine, ReadPath reads, Ledger<DispatchProgress> ledger, DispatchScheduler? scheduler, DispatchTarget? target, TimeProvider time, Liveness liveness) : IDispatch
{
    private static readonly TimeSpan WaitInterval = TimeSpan.FromMilliseconds(10);

    public async ValueTask StartAsync(CancellationToken cancellationToken = default)
    {
        liveness.ThrowIfDisposed();
        if (scheduler is null)
            throw new InvalidOperationException("There is no dispatch scheduler to start. Wire one: UsingAsynchronousDispatchScheduler() or UsingSynchronousDispatchScheduler(), with DispatchTo(…).");
        await scheduler.StartAsync(cancellationToken).ConfigureAwait(false);
    }

    public async IAsyncEnumerable<CommittedEvent> GetUndispatchedAsync(EventFilter? filter = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var recorded in ReadUndispatchedAsync(filter ?? EventFilter.Everything, cancellationToken).ConfigureAwait(false))
        {
            if (reads.Show(recorded, EventDecoding.Eager) is { } shown) yield return shown;
        }
    }

    public async ValueTask MarkAsDispatchedAsync(IEnumerable<CommittedEvent> events, CancellationToken cancellationToken = default)
    {
        liveness.ThrowIfDisposed();
        await MarkAsync([.. events.Select(committed => committed.Checkpoint.Value)], cancellationToken).ConfigureAwait(false);
    }

    public ValueTask MarkAsDispatchedAsync(IEnumerable<Guid> eventIds, CancellationToken cancellationToken = default)
    {
        var ids = eventIds.ToHashSet();
        return FindAndMarkAsync(recorded => ids.Contains(recorded.Record.EventId), cancellationToken);
    }

    public ValueTask MarkCommitsAsDispatchedAsync(IEnumerable<Guid> commitIds, CancellationToken cancellationToken = default)
    {
        var ids = commitIds.ToHashSet();
        return FindAndMarkAsync(recorded => ids.Contains(recorded.Commit.CommitId), cancellationToken);
    }

    public async IAsyncEnumerable<CommittedEvent> GetParkedAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var progress = await LoadAsync(cancellationToken).ConfigureAwait(false);
        foreach (var range in progress.Parked)
        {
            await foreach (var recorded in ReadAsync(EventFilter.Everything, range.First - 1, range.Last, cancellationToken).ConfigureAwait(false))
            {
                if (reads.Show(recorded, EventDecoding.OnDemand) is { } shown) yield return shown;
            }
        }
    }

    public async ValueTask<long> RetryParkedAsync(CancellationToken cancellationToken = default)
    {
        liveness.ThrowIfDisposed();
        if (target is null) throw new InvalidOperationException("There is no dispatcher to hand parked commits to. Wire one: DispatchTo(…).");
        var progress = await LoadAsync(cancellationToken).ConfigureAwait(false);
        long taken = 0;
        foreach (var range in progress.Parked.ToArray())
        {
            var commit = new List<RecordedEvent>();
            await foreach (var recorded in ReadAsync(EventFilter.Everything, range.First - 1, range.Last, cancellationToken).ConfigureAwait(false))
            {
                if (commit.Count > 0 && commit[0].Commit.FirstCheckpoint != recorded.Commit.FirstCheckpoint) commit.Clear();
                commit.Add(recorded);
                if (recorded.IndexInCommit < recorded.Commit.EventCount - 1 && recorded.Checkpoint.Value < range.Last) continue;
                foreach (var unit in target.UnitsOf(commit, reads, new DispatchProgress())) await target.Dispatcher.DispatchAsync(unit.Commit, cancellationToken).ConfigureAwait(false);
                await MarkAsync([.. commit.Select(done => done.Checkpoint.Value)], cancellationToken).ConfigureAwait(false);
                taken += commit.Count;
                commit.Clear();
            }

            // What is left of the range was deleted.
            await ledger.ChangeAsync(
                current =>
                {
                    current.Unpark(range.First, range.Last);
                    return true;
                },
                cancellationToken).ConfigureAwait(false);
        }

        return taken;
    }

    public async ValueTask WaitUntilDispatchedAsync(CancellationToken cancellationToken = default)
    {
        var upTo = (await GetStatusAsync(cancellationToken).ConfigureAwait(false)).Head.Value;
        while ((await LoadAsync(cancellationToken).ConfigureAwait(false)).Watermark < upTo)
            await Task.Delay(WaitInterval, time, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<DispatchStatus> GetStatusAsync(CancellationToken cancellationToken = default)
    {
        // The progress is read first: what is stored meanwhile may count as backlog, but never the other way round.
        var progress = await LoadAsync(cancellationToken).ConfigureAwait(false);
        var page = await engine.ReadAllAsync(
            new StoreRead(EventFilter.Everything, Checkpoint.Origin, Checkpoint.Max, ReadDirection.Backward, new PageLimit(1, 1)), cancellationToken).ConfigureAwait(false);
        var marked = progress.Marks.Sum(range => range.Last - range.First + 1);
        var backlog = Math.Max(0, page.Head.Value - progress.Watermark - marked);
        return new(new Checkpoint(progress.Watermark), page.Head, backlog, progress.ParkedCount, scheduler?.IsLeading ?? false, scheduler?.ConsecutiveFailures ?? 0);
    }

    private async ValueTask<DispatchProgress> LoadAsync(CancellationToken cancellationToken)
    {
        liveness.ThrowIfDisposed();
        var written = await ledger.LoadAsync(cancellationToken).ConfigureAwait(false);
        if (scheduler is null) return written;
        var progress = written.Copy();
        scheduler.AddUnwritten(progress);
        return progress;
    }

    // Parked events below the watermark first, then all above it that are not marked: that is checkpoint order.
    private async IAsyncEnumerable<RecordedEvent> ReadUndispatchedAsync(EventFilter filter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var progress = await LoadAsync(cancellationToken).ConfigureAwait(false);
        foreach (var range in progress.Parked.Where(range => range.First <= progress.Watermark))
        {
            await foreach (var recorded in ReadAsync(filter, range.First - 1, Math.Min(range.Last, progress.Watermark), cancellationToken).ConfigureAwait(false))
                yield return recorded;
        }

        await foreach (var recorded in ReadAsync(filter, progress.Watermark, long.MaxValue, cancellationToken).ConfigureAwait(false))
        {
            var checkpoint = recorded.Checkpoint.Value;
            if (progress.IsParked(checkpoint) || !progress.IsMarked(checkpoint)) yield return recorded;
        }
    }

    private async IAsyncEnumerable<RecordedEvent> ReadAsync(EventFilter filter, long after, long upTo, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var page in reads.ReadAllPagesAsync(filter, new Checkpoint(after), new Checkpoint(upTo), ReadDirection.Forward, ReadPath.MaxPageEvents, cancellationToken).ConfigureAwait(false))
        {
            for (var i = 0; i < page.Events.Length; i++) yield return page.Events.Span[i];
        }
    }

    private async ValueTask FindAndMarkAsync(Func<RecordedEvent, bool> isMeant, CancellationToken cancellationToken)
    {
        var found = new List<long>();
        await foreach (var recorded in ReadUndispatchedAsync(EventFilter.Everything, cancellationToken).ConfigureAwait(false))
        {
            if (isMeant(recorded)) found.Add(recorded.Checkpoint.Value);
        }

        await MarkAsync(found, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask MarkAsync(List<long> checkpoints, CancellationToken cancellationToken)
    {
        if (checkpoints.Count == 0) return;
        await ledger.ChangeAsync(
            progress =>
            {
                foreach (var checkpoint in checkpoints)
                {
                    progress.Mark(checkpoint, checkpoint);
                    progress.Unpark(checkpoint, checkpoint);
                }

                return true;
            },
            cancellationToken).ConfigureAwait(false);
    }
}
