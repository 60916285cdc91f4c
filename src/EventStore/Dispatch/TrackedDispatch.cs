using System.Runtime.CompilerServices;
using EventStore.Pipeline;

namespace EventStore.Dispatch;

/// <summary>Lists and marks what is dispatched, by the scheduler or, where there is none, by the application itself.</summary>
internal sealed class TrackedDispatch(
    DispatchMarks marks, DispatchScheduler? scheduler, StoreLifetime lifetime, TimeProvider time) : IDispatch
{
    // Progress that another process writes raises no signal here.
    private static readonly TimeSpan PollInterval = new DispatchOptions().PollInterval;

    public async ValueTask StartAsync(CancellationToken cancellationToken = default)
    {
        lifetime.ThrowIfEnded();
        if (scheduler is null)
        {
            throw new InvalidOperationException(
                "There is no dispatch scheduler to start. "
                + "Add UsingAsynchronousDispatchScheduler() or UsingSynchronousDispatchScheduler(), with DispatchTo(…).");
        }

        await scheduler.StartAsync(cancellationToken).ConfigureAwait(false);
    }

    public async IAsyncEnumerable<CommittedEvent> GetUndispatchedAsync(
        EventFilter? filter = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var progress = await LoadAsync(cancellationToken).ConfigureAwait(false);
        var undispatched = marks.ReadUndispatchedAsync(filter ?? EventFilter.Everything, progress, cancellationToken);
        await foreach (var recorded in undispatched.ConfigureAwait(false))
        {
            lifetime.ThrowIfEnded();
            if (marks.Show(recorded, EventDecoding.Eager) is { } shown) yield return shown;
        }
    }

    public async ValueTask MarkAsDispatchedAsync(IEnumerable<CommittedEvent> events, CancellationToken cancellationToken = default)
    {
        lifetime.ThrowIfEnded();
        await marks.MarkAsync([.. events.Select(committed => committed.Checkpoint.Value)], cancellationToken).ConfigureAwait(false);
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
            var parked = marks.ReadAsync(EventFilter.Everything, range.First - 1, range.Last, cancellationToken);
            await foreach (var recorded in parked.ConfigureAwait(false))
            {
                lifetime.ThrowIfEnded();
                if (marks.Show(recorded, EventDecoding.OnDemand) is { } shown) yield return shown;
            }
        }
    }

    public async ValueTask<long> ReplayParkedAsync(CancellationToken cancellationToken = default)
    {
        lifetime.ThrowIfEnded();
        if (scheduler is null)
            throw new InvalidOperationException("There is no dispatcher for parked commits. Add one with DispatchTo(…).");
        return await new ParkedCommits(marks, scheduler).RetryAsync(
            await LoadAsync(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask WaitUntilDispatchedAsync(CancellationToken cancellationToken = default)
    {
        if (scheduler is { IsInside: true })
            throw new CalledFromInsideException("IDispatch.WaitUntilDispatchedAsync", "the dispatcher of this store");
        var upTo = (await GetStatusAsync(cancellationToken).ConfigureAwait(false)).Head;
        while (true)
        {
            var changed = marks.NextChange;
            if ((await LoadAsync(cancellationToken).ConfigureAwait(false)).Watermark >= upTo.Value) return;
            if (scheduler is not null && scheduler.TryWaitFor(upTo, out var dispatched)) changed = dispatched;
            try
            {
                await changed.WaitAsync(PollInterval, time, cancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                // Another process may have written meanwhile.
            }
        }
    }

    public async ValueTask<DispatchStatus> GetStatusAsync(CancellationToken cancellationToken = default)
    {
        // The progress is read first: events stored meanwhile may count as backlog, but dispatched ones never do.
        var progress = await LoadAsync(cancellationToken).ConfigureAwait(false);
        var head = await marks.FindHeadAsync(cancellationToken).ConfigureAwait(false);
        var backlog = Math.Max(0, head.Value - progress.Watermark - progress.MarkedCount);
        var (isLeading, failures) = (scheduler?.IsLeading ?? false, scheduler?.ConsecutiveFailures ?? 0);
        return new(new Checkpoint(progress.Watermark), head, backlog, progress.ParkedCount, isLeading, failures)
        {
            Failure = scheduler?.Failure,
        };
    }

    private async ValueTask<DispatchProgress> LoadAsync(CancellationToken cancellationToken)
    {
        lifetime.ThrowIfEnded();
        var progress = await marks.LoadAsync(cancellationToken).ConfigureAwait(false);
        return scheduler?.WithUnwritten(progress) ?? progress;
    }

    private async ValueTask FindAndMarkAsync(Func<RecordedEvent, bool> isMeant, CancellationToken cancellationToken)
    {
        var progress = await LoadAsync(cancellationToken).ConfigureAwait(false);
        var found = new List<long>();
        var undispatched = marks.ReadUndispatchedAsync(EventFilter.Everything, progress, cancellationToken);
        await foreach (var recorded in undispatched.ConfigureAwait(false))
        {
            if (isMeant(recorded)) found.Add(recorded.Checkpoint.Value);
        }

        await marks.MarkAsync(found, cancellationToken).ConfigureAwait(false);
    }
}
