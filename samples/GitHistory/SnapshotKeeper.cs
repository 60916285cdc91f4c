using EventStore;

namespace GitHistory;

/// <summary>Takes the snapshots that are due: each at the last full hundred, fifty, or whatever the interval is, of its stream.</summary>
internal static class SnapshotKeeper
{
    /// <summary>
    /// Saves a snapshot of every stream of a repository that went on by the interval since its newest one. Returns how many.
    /// </summary>
    public static async Task<int> TakeDueAsync(IEventStore store, string bucket, int interval, CancellationToken cancellationToken)
    {
        var taken = 0;
        await foreach (var due in store.Snapshots.ListStreamsDueAsync(bucket, interval, cancellationToken))
        {
            var newest = await store.Snapshots.FindAsync(due.Stream, cancellationToken: cancellationToken);
            var state = newest?.State as FileState ?? FileState.Unborn;
            var known = state == FileState.Unborn ? Revision.None : newest!.Revision;
            var target = new Revision(due.Revision.Value - (due.Revision.Value % interval));
            await foreach (var committed in store.ReadStreamAsync(
                due.Stream, new StreamRange { From = known + 1, To = target }, cancellationToken: cancellationToken))
            {
                if (committed.Body is IFileEvent happened) state = state.Apply(happened);
            }

            await store.Snapshots.SaveAsync(new Snapshot(due.Stream, target, state), cancellationToken);
            taken++;
        }

        return taken;
    }
}
