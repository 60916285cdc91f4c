using EventStore.Pipeline;

namespace EventStore.Feeds;

/// <summary>
/// Reads pages of the store for all feeds, and keeps the newest whole ones for a moment: consumers that run side by side then read each part
/// of the store once. Few are kept for one reader, more while others are seen to follow it, who then catch up with it. The page at the end is never kept.
/// </summary>
internal sealed class SharedPages(ReadPath reads, TimeProvider time)
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

            // Whoever read it may have been cancelled or failed: then everyone reads for himself.
            await ((Task)shared).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
            if (shared.IsCompletedSuccessfully) return await shared.ConfigureAwait(false);
        }
    }

    /// <summary>Keeps nothing any more: something was deleted.</summary>
    public void Forget()
    {
        lock (gate)
        {
            while (kept.First is { } oldest) Drop(oldest.Value);
        }
    }

    /// <summary>The newest checkpoint of the store.</summary>
    public ValueTask<Checkpoint> FindHeadAsync(CancellationToken cancellationToken) => reads.FindHeadAsync(cancellationToken);

    private async ValueTask<StorePage> ReadForAllAsync(Kept own, TaskCompletionSource<StorePage> mine, CancellationToken cancellationToken)
    {
        try
        {
            var page = await reads.ReadPageAsync(own.Filter, own.After, cancellationToken).ConfigureAwait(false);
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

    // Called with the gate held. Who asks for a page that lies before one that is kept follows another reader.
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
        foreach (ref readonly var recorded in events) own.Bytes += recorded.Record.Body.Length + recorded.Record.Headers.Length;
        keptBytes += own.Bytes;
        var most = followedAt is { } at && time.GetElapsedTime(at) <= KeptFor ? MaxKeptForFollowers : MaxKept;
        while (kept.Count > most || (keptBytes > MaxKeptBytes && kept.Count > 1)) Drop(kept.First!.Value);
    }

    // Called with the gate held.
    private void Drop(Kept page)
    {
        if (kept.Remove(page)) keptBytes -= page.Bytes;
    }

    /// <summary>A page that is read or was. Told from others by what it is, not by what is in it.</summary>
    private sealed class Kept(EventFilter filter, Checkpoint after, Task<StorePage> page, long readAt)
    {
        public EventFilter Filter => filter;

        public Checkpoint After => after;

        public Task<StorePage> Page => page;

        public long ReadAt => readAt;

        /// <summary>The bytes of its events; 0 while it is read.</summary>
        public long Bytes { get; set; }
    }
}
