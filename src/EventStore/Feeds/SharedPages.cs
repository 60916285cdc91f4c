using EventStore.Pipeline;

namespace EventStore.Feeds;

/// <summary>
/// Reads pages of the store for all feeds, and keeps the newest whole ones for a moment: consumers that run side by side then read each part
/// of the store once. The page at the end is never kept.
/// </summary>
internal sealed class SharedPages(ReadPath reads, TimeProvider time)
{
    private const int MaxKept = 8;
    private static readonly TimeSpan KeptFor = TimeSpan.FromSeconds(1);

    // Guarded by the gate; oldest first.
    private readonly Lock gate = new();
    private readonly LinkedList<Kept> kept = new();

    /// <summary>The next page of a filter after a checkpoint.</summary>
    public async ValueTask<StorePage> ReadAsync(EventFilter filter, Checkpoint after, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task<StorePage>? shared;
            var mine = new TaskCompletionSource<StorePage>(TaskCreationOptions.RunContinuationsAsynchronously);
            lock (gate)
            {
                shared = Find(filter, after)?.Page;
                if (shared is null) Keep(new Kept(filter, after, mine.Task, time.GetTimestamp()));
            }

            if (shared is null) return await ReadForAllAsync(filter, after, mine, cancellationToken).ConfigureAwait(false);

            // Whoever read it may have been cancelled or failed: then everyone reads for himself.
            await ((Task)shared).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
            if (shared.IsCompletedSuccessfully) return await shared.ConfigureAwait(false);
        }
    }

    /// <summary>The newest checkpoint of the store.</summary>
    public ValueTask<Checkpoint> FindHeadAsync(CancellationToken cancellationToken) => reads.FindHeadAsync(cancellationToken);

    private async ValueTask<StorePage> ReadForAllAsync(EventFilter filter, Checkpoint after, TaskCompletionSource<StorePage> mine, CancellationToken cancellationToken)
    {
        try
        {
            var page = await reads.ReadPageAsync(filter, after, cancellationToken).ConfigureAwait(false);
            if (page.IsEnd) Drop(mine.Task);
            mine.SetResult(page);
            return page;
        }
        catch
        {
            Drop(mine.Task);
            mine.SetCanceled(CancellationToken.None);
            throw;
        }
    }

    // Called with the gate held.
    private Kept? Find(EventFilter filter, Checkpoint after)
    {
        while (kept.First is { } oldest && time.GetElapsedTime(oldest.Value.ReadAt) > KeptFor) kept.RemoveFirst();
        return kept.FirstOrDefault(page => page.After == after && page.Filter == filter);
    }

    // Called with the gate held.
    private void Keep(Kept page)
    {
        kept.AddLast(page);
        if (kept.Count > MaxKept) kept.RemoveFirst();
    }

    private void Drop(Task<StorePage> page)
    {
        lock (gate)
        {
            if (kept.FirstOrDefault(kept => kept.Page == page) is { } found) kept.Remove(found);
        }
    }

    private sealed record Kept(EventFilter Filter, Checkpoint After, Task<StorePage> Page, long ReadAt);
}
