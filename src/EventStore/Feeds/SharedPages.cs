using EventStore.Pipeline;

namespace EventStore.Feeds;

/// <summary>
/// Reads pages of the store for all feeds, and keeps the newest full ones for a short time. Consumers that run side by side then read each
/// part of the store once. Few pages are kept for one reader, more while others follow it and catch up. The page at the end is never kept.
/// </summary>
internal sealed class SharedPages(PageReader pages, TimeProvider time)
{
    private const int MaxKept = 8;
    private const int MaxKeptForFollowers = 96;
    private const long MaxKeptBytes = 24 << 20;
    private static readonly TimeSpan KeptFor = TimeSpan.FromSeconds(1);

    // All guarded by the gate. The pages: oldest first.
    private readonly Lock gate = new();
    private readonly LinkedList<Kept> kept = new();
    private long keptBytes;
    private long? followedAt;

    /// <summary>The next page of a filter after a checkpoint.</summary>
    public async ValueTask<StorePage> ReadAsync(EventFilter filter, Checkpoint after, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task<StorePage>? shared;
            var mine = new TaskCompletionSource<StorePage>(TaskCreationOptions.RunContinuationsAsynchronously);
            var own = new Kept(filter, after, mine.Task, time.GetTimestamp());
            lock (gate)
            {
                shared = Find(filter, after)?.Page;
                if (shared is null) kept.AddLast(own);
            }

            if (shared is null) return await ReadForAllAsync(own, mine, cancellationToken).ConfigureAwait(false);

            // The reader of the page may have been cancelled or failed; then each waiting reader tries again.
            await ((Task)shared).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
            if (shared.IsCompletedSuccessfully) return await shared.ConfigureAwait(false);
        }
    }

    /// <summary>Drops all pages, because something was deleted.</summary>
    public void Clear()
    {
        lock (gate)
        {
            while (kept.First is { } oldest) Drop(oldest.Value);
        }
    }

    private async ValueTask<StorePage> ReadForAllAsync(Kept own, TaskCompletionSource<StorePage> mine, CancellationToken cancellationToken)
    {
        try
        {
            var page = await pages.ReadPageAsync(own.Filter, own.After, cancellationToken).ConfigureAwait(false);
            lock (gate)
            {
                if (page.IsEnd) Drop(own);
                else Weigh(own, page.Events.Span);
            }

            mine.SetResult(page);
            return page;
        }
        catch
        {
            lock (gate) Drop(own);
            mine.SetCanceled(CancellationToken.None);
            throw;
        }
    }

    // Called with the gate held. A reader of a page before a kept one follows another reader.
    private Kept? Find(EventFilter filter, Checkpoint after)
    {
        while (kept.First is { } oldest && time.GetElapsedTime(oldest.Value.ReadAt) > KeptFor) Drop(oldest.Value);
        var isFollowing = false;
        foreach (var page in kept)
        {
            if (page.After < after || page.Filter != filter) continue;
            if (page.After == after) return page;
            isFollowing = true;
        }

        if (isFollowing) followedAt = time.GetTimestamp();
        return null;
    }

    // Called with the gate held.
    private void Weigh(Kept own, ReadOnlySpan<RecordedEvent> events)
    {
        if (!kept.Contains(own)) return;
        own.Weigh(events);
        keptBytes += own.Bytes;
        var most = followedAt is { } at && time.GetElapsedTime(at) <= KeptFor ? MaxKeptForFollowers : MaxKept;
        while (kept.Count > most || (keptBytes > MaxKeptBytes && kept.Count > 1)) Drop(kept.First!.Value);
    }

    // Called with the gate held.
    private void Drop(Kept page)
    {
        if (kept.Remove(page)) keptBytes -= page.Bytes;
    }

    /// <summary>A page that was read or is being read. Compared by identity.</summary>
    private sealed class Kept(EventFilter filter, Checkpoint after, Task<StorePage> page, long readAt)
    {
        public EventFilter Filter => filter;

        public Checkpoint After => after;

        public Task<StorePage> Page => page;

        public long ReadAt => readAt;

        /// <summary>The bytes of its events; 0 while it is read.</summary>
        public long Bytes { get; private set; }

        public void Weigh(ReadOnlySpan<RecordedEvent> events)
        {
            foreach (ref readonly var recorded in events) Bytes += recorded.Record.Body.Length + recorded.Record.Headers.Length;
        }
    }
}
