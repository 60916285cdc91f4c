using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Index;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Reading;

/// <summary>Reads pages of one stream: the index names the commits, the log holds them.</summary>
internal static class StreamReading
{
    private const int MaxRevisionsPerPage = 65_536;
    private const int MostExpectedEvents = 512;
    private const int MaxTries = 3;

    public static StreamPage Read(StoreView store, StreamRead read)
    {
        for (var attempt = 1; ; attempt++)
        {
            var head = store.Index.FindHead(read.Stream);
            var (low, high) = (Math.Max(head.FirstRevision, read.From.Value), Math.Min(read.To.Value, head.Revision));
            if (!head.Exists || low > high) return new StreamPage(default, head.State, IsEnd: true);
            if (TryRead(store, read, head, low, high, out var missing) is { } page) return page;

            // The stream was deleted, and perhaps created again, or truncated between looking it up and reading it.
            var now = store.Index.FindHead(read.Stream);
            if (now.Start != head.Start || now.FirstRevision != head.FirstRevision) continue;
            if (store.Segments.HasLosses) throw Lost(store, read.Stream, missing);
            if (attempt >= MaxTries)
                throw new IndexDamageException(RunFormat.Folder, "a stream's commits are not where the index has them.");
        }
    }

    // Null if the index led to another stream than the one that was looked up.
    private static StreamPage? TryRead(
        StoreView store, StreamRead read, HeadEntry head, long low, long high, out (long First, long Last) missing)
    {
        missing = default;
        var isForward = read.Direction == ReadDirection.Forward;
        var wanted = Math.Min(read.Limit.MaxEvents, MaxRevisionsPerPage);
        var (first, last) = isForward ? (low, Math.Min(high, low + wanted - 1)) : (Math.Max(low, high - wanted + 1), high);
        var places = store.Index.FindCommits(read.Stream, head, first, last, wanted);
        if (!isForward) places.Reverse();

        var page = new CommitPage(read.Limit, (int)Math.Min(last - first + 1, MostExpectedEvents), isForward);
        var reader = store.Lookups.Take(store.IndexedEnd);
        var next = isForward ? first : last;
        foreach (var (_, position) in places)
        {
            var frame = reader.Read(position);
            if (!FrameCommits.TryFind(frame, store.Names, read.Stream, out var commit) || commit.StreamStart != head.Start) return null;
            var (from, to) = (Math.Max(commit.FirstRevision + commit.Removed, first), Math.Min(commit.LastRevision, last));
            if (from > to || next != (isForward ? from : to))
            {
                missing = isForward ? (next, from - 1) : (to + 1, next);
                return null;
            }

            page.Add(ref commit, page.Record(commit), (int)(from - commit.FirstRevision), (int)(to - commit.FirstRevision));
            next = isForward ? to + 1 : from - 1;
            if (page.IsFull) break;
        }

        store.Lookups.Return(reader);
        missing = isForward ? (next, last) : (first, next);
        if (page.Count != last - first + 1 && !page.IsFull) return null;
        return new StreamPage(page.Events, head.State, IsEnd: page.Count == high - low + 1);
    }

    private static CorruptStorageException Lost(StoreView store, StreamId stream, (long First, long Last) missing) => new(
        $"{store.Segments.Disk.Root}, stream '{stream}', revisions {missing.First} to {missing.Last}",
        "they were lost through damage, and the store was repaired without them.",
        $"Read up to revision {missing.First - 1} or from {missing.Last + 1} on, or restore the store from a backup that has them.");
}
