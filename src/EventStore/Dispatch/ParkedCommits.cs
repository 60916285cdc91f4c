using EventStore.Deliveries;

namespace EventStore.Dispatch;

/// <summary>
/// Dispatches parked commits again. Each write of marks contains the whole list of parked events. So the groups grow with that list, and
/// the bytes written stay in proportion to it.
/// </summary>
internal sealed class ParkedCommits(DispatchMarks marks, DispatchScheduler scheduler)
{
    private const int MinEventsPerWrite = 100;
    private const int WritesPerList = 16;

    // Dispatched and not marked yet.
    private readonly List<long> done = [];
    private long taken;

    /// <summary>Dispatches everything that is parked, until one commit fails. What was dispatched before is marked.</summary>
    /// <returns>How many events were dispatched.</returns>
    public async ValueTask<long> RetryAsync(DispatchProgress progress, CancellationToken cancellationToken)
    {
        var eventsPerWrite = Math.Max(MinEventsPerWrite, progress.Parked.Count / WritesPerList);
        var deleted = new List<CheckpointRange>();
        try
        {
            foreach (var range in progress.Parked)
            {
                await RetryAsync(range, eventsPerWrite, cancellationToken).ConfigureAwait(false);
                deleted.Add(range);
            }
        }
        finally
        {
            await MarkAsync(CancellationToken.None).ConfigureAwait(false);

            // What is left of the ranges was deleted.
            await marks.UnparkAsync(deleted, CancellationToken.None).ConfigureAwait(false);
        }

        return taken;
    }

    private async ValueTask RetryAsync(CheckpointRange range, int eventsPerWrite, CancellationToken cancellationToken)
    {
        var commit = new List<RecordedEvent>();
        var parked = marks.ReadAsync(EventFilter.Everything, range.First - 1, range.Last, cancellationToken);
        await foreach (var recorded in parked.ConfigureAwait(false))
        {
            if (commit.Count > 0 && commit[0].Commit.FirstCheckpoint != recorded.Commit.FirstCheckpoint) commit.Clear();
            commit.Add(recorded);
            if (recorded.IndexInCommit < recorded.Commit.EventCount - 1 && recorded.Checkpoint.Value < range.Last) continue;
            await scheduler.DispatchAgainAsync(commit, cancellationToken).ConfigureAwait(false);
            done.AddRange(commit.Select(dispatched => dispatched.Checkpoint.Value));
            taken += commit.Count;
            commit.Clear();
            if (done.Count >= eventsPerWrite) await MarkAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask MarkAsync(CancellationToken cancellationToken)
    {
        await marks.MarkAsync(done, cancellationToken).ConfigureAwait(false);
        done.Clear();
    }
}
