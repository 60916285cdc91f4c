using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Index;
using EventStore.FileSystem.Log;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Reading;

/// <summary>
/// Reads pages of the store by what the index lists under categories and tags. So a page costs what is listed, not the store.
/// </summary>
internal sealed class ListedReading
{
    private const int MaxFramesPerPage = 16_384;
    private readonly StoreView store;
    private readonly StoreRead read;
    private readonly CommitPage page;
    private readonly FrameEvents events;
    private readonly LogPoint end;
    private readonly long head;
    private readonly long upTo;

    public ListedReading(StoreView store, StoreRead read)
    {
        (this.store, this.read, end) = (store, read, store.End);
        head = end.NextCheckpoint - 1;
        upTo = Math.Min(read.UpTo.Value, head);
        page = new CommitPage(read.Limit, expectedEvents: 0, read.Direction == ReadDirection.Forward, read.Filter);
        events = new FrameEvents(store, read, page);
    }

    /// <param name="terms">The terms of what is read.</param>
    public StorePage Read(IReadOnlyList<byte[][]> terms) => read.Direction == ReadDirection.Forward ? Forward(terms) : Backward(terms);

    private StorePage Forward(IReadOnlyList<byte[][]> terms)
    {
        var reached = read.After.Value;
        if (reached >= upTo) return ToPage(reached, isEnd: true);
        var cursor = new CriteriaCursor(store.Index.State, terms, store.Index.PlaceOf(reached + 1).Position);
        var reader = store.Lookups.Take(end.Position);
        for (var examined = 0; reached < upTo && cursor.TryFind(reached + 1, out var listed, out var position); examined++)
        {
            if (position >= end.Position) break; // it was written since
            var frame = Look(reader, position, listed);
            var (first, last) = (frame.Checkpoint, frame.Checkpoint + frame.Count - 1);
            if (first > upTo) break;
            if (examined == MaxFramesPerPage) return Leave(reader, reached, isEnd: false);
            var (lowest, highest) = (Math.Max(first, reached + 1), Math.Min(last, upTo));
            var done = events.Add(frame, (int)(lowest - first), (int)(highest - first));
            reached = Math.Max(reached, lowest - 1 + done);
            if (done <= highest - lowest) return Leave(reader, reached, isEnd: false);
        }

        return Leave(reader, upTo, isEnd: true);
    }

    private StorePage Backward(IReadOnlyList<byte[][]> terms)
    {
        var (reached, bound) = (read.UpTo.Value, upTo);
        if (bound <= read.After.Value) return ToPage(reached, isEnd: true);
        var reader = store.Lookups.Take(end.Position);

        // The commit that holds the upper end may end behind it.
        var state = store.Index.State;
        var ahead = new CriteriaCursor(state, terms, store.Index.PlaceOf(bound).Position);
        var cursor = new CriteriaCursor(state, terms, place: null);
        var isListed = ahead.TryFind(bound, out var listed, out var position) && position < end.Position
            && Look(reader, position, listed).Checkpoint <= bound;
        for (var examined = 0; bound > read.After.Value; examined++)
        {
            if (!isListed && !cursor.TryFind(bound, out listed, out position)) break;
            isListed = false;
            var frame = Look(reader, position, listed);
            var first = frame.Checkpoint;
            var (lowest, highest) = (Math.Max(first, read.After.Value + 1), Math.Min(first + frame.Count - 1, bound));
            if (highest < lowest) break;
            if (examined == MaxFramesPerPage) return Leave(reader, reached, isEnd: false);
            var done = events.Add(frame, (int)(lowest - first), (int)(highest - first));
            if (done > 0) reached = highest + 1 - done;
            if (done <= highest - lowest) return Leave(reader, reached, isEnd: false);
            bound = first - 1;
        }

        return Leave(reader, reached, isEnd: true);
    }

    /// <summary>Reads the frame of a commit that the index lists, which is no other frame.</summary>
    /// <exception cref="IndexDamageException">The checkpoint under which it is listed is not in it.</exception>
    public static Frame Look(LogReader reader, long position, long listed)
    {
        var frame = reader.Read(position);
        return frame.Checkpoint <= listed && listed < frame.Checkpoint + frame.Count ? frame
            : throw new IndexDamageException(RunFormat.Folder, "a commit is not where the index lists it.");
    }

    private StorePage Leave(LogReader reader, long reached, bool isEnd)
    {
        store.Lookups.Return(reader);
        return ToPage(reached, isEnd);
    }

    private StorePage ToPage(long reached, bool isEnd) => new(page.Events, new Checkpoint(reached), new Checkpoint(head), isEnd);
}
