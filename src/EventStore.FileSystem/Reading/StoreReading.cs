using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Index;
using EventStore.FileSystem.Log;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Reading;

/// <summary>
/// Reads pages of the whole store by walking the log in either direction, without deleted streams and events that the filter excludes.
/// </summary>
internal sealed class StoreReading
{
    private const int MaxCommitsPerPage = 16_384;
    private const int MostExpectedEvents = 512;
    private const int PlaceBytes = 64 << 10;
    private readonly StoreView store;
    private readonly StoreRead read;
    private readonly LogPoint end;
    private readonly long head;
    private readonly long upTo;
    private readonly CommitPage page;
    private readonly FrameEvents events;
    private int examined;

    // The checkpoint that the next frame has; 0 where a walk begins.
    private long next;

    // A checkpoint of the commit at which a walk begins, as the index has it; 0 where it begins elsewhere.
    private long placed;

    private StoreReading(StoreView store, StoreRead read)
    {
        (this.store, this.read, end) = (store, read, store.End);
        head = end.NextCheckpoint - 1;
        upTo = Math.Min(read.UpTo.Value, head);
        page = new CommitPage(read.Limit, ExpectedEvents(), read.Direction == ReadDirection.Forward, read.Filter);
        events = new FrameEvents(store, read, page);
    }

    public static StorePage Read(StoreView store, StoreRead read)
    {
        if (TermSearch.TermsOf(read.Filter) is { } terms) return new ListedReading(store, read).Read(terms);
        var reading = new StoreReading(store, read);
        return read.Direction == ReadDirection.Forward ? reading.Forward() : reading.Backward();
    }

    // How many events there will be is known only where all are meant.
    private int ExpectedEvents() => read.Filter is { Bucket: null, Category: null, Id: null, EventTypes: null, Since: null, Criteria: null }
        ? (int)Math.Clamp(upTo - read.After.Value, 0, MostExpectedEvents)
        : 0;

    private StorePage Forward()
    {
        var reached = read.After.Value;
        if (reached >= upTo) return ToPage(reached, isEnd: true);
        var reader = store.Replays.Take(end.Position, reached + 1);
        var position = Find(reader, reached + 1);
        for (; (position = reader.Settle(position)) < end.Position;)
        {
            var frame = reader.Read(position);
            RequireNext(frame);
            var (first, last) = (frame.Checkpoint, frame.Checkpoint + frame.Count - 1);
            if (frame.Count > 0 && last > reached)
            {
                if (first > upTo) break;
                var lowest = Math.Max(first, reached + 1);
                var highest = Math.Min(last, upTo);
                reached = examined++ == MaxCommitsPerPage
                    ? reached
                    : Math.Max(reached, lowest - 1 + events.Add(frame, (int)(lowest - first), (int)(highest - first)));
                if (reached < last) return Leave(reader, reached, position, isEnd: reached == upTo);
            }

            position = frame.End;
        }

        return Leave(reader, reached, position, isEnd: true);
    }

    // Where the commit of a checkpoint stands, or a little before.
    private long Find(LogReader reader, long checkpoint)
    {
        if (reader.Resumes.Checkpoint == checkpoint) return reader.Resumes.Position;
        if (read.Limit.MaxEvents > 1) reader.LookAhead(PlaceBytes);
        return PlaceOf(checkpoint);
    }

    // What follows begins at a position, in whose commit the next event stands.
    private StorePage Leave(LogReader reader, long reached, long position, bool isEnd)
    {
        reader.LeaveAt(reached + 1, position);
        store.Replays.Return(reader);
        return ToPage(reached, isEnd);
    }

    private StorePage Backward()
    {
        var reader = store.Replays.Take(end.Position);
        var reached = read.UpTo.Value;
        for (var bound = upTo; bound > read.After.Value;)
        {
            var commits = CommitsUpTo(reader, bound);
            if (commits.Count == 0)
                throw store.Segments.Damaged(LogPoint.Origin.Position, $"the commit of checkpoint {bound} is not in the log.");
            for (var i = commits.Count - 1; i >= 0; i--)
            {
                var frame = reader.Read(commits[i]);
                var first = frame.Checkpoint;
                var last = Math.Min(first + frame.Count - 1, bound);
                if (last <= read.After.Value) return ToPage(reached, isEnd: true);
                if (examined++ == MaxCommitsPerPage) return ToPage(reached, isEnd: false);
                var lowest = Math.Max(first, read.After.Value + 1);
                var done = events.Add(frame, (int)(lowest - first), (int)(last - first));
                if (done > 0) reached = last + 1 - done;
                if (done <= last - lowest) return ToPage(reached, isEnd: false);
                bound = first - 1;
            }
        }

        return ToPage(reached, isEnd: true);
    }

    // The addresses of the commits, and of the gaps of others, from a known place up to a checkpoint, in order. Places lie close
    // together, so there are not many.
    private List<long> CommitsUpTo(LogReader reader, long bound)
    {
        var commits = new List<long>();
        reader.LookAhead(2 * PlaceBytes);
        next = 0;
        for (var position = PlaceOf(bound); (position = reader.Settle(position)) < end.Position;)
        {
            var frame = reader.Read(position);
            RequireNext(frame);
            if (frame.Checkpoint > bound) break;
            if (frame.Count > 0) commits.Add(position);
            position = frame.End;
        }

        return commits;
    }

    // Every frame says which checkpoint comes next, so that nothing can be left out between two.
    private void RequireNext(in Frame frame)
    {
        if (next > 0 && frame.Checkpoint != next)
            throw store.Segments.Damaged(frame.Position, $"checkpoint {frame.Checkpoint} was found where {next} was expected.");
        if (next == 0 && placed > 0 && (placed < frame.Checkpoint || placed >= frame.Checkpoint + frame.Count))
            throw new IndexDamageException(RunFormat.Folder, "a commit is not where the index has its checkpoint.");
        next = frame.Checkpoint + frame.Count;
    }

    private long PlaceOf(long checkpoint)
    {
        (placed, var position) = store.Index.PlaceOf(checkpoint);
        return position > 0 ? position : LogPoint.Origin.Position;
    }

    private StorePage ToPage(long reached, bool isEnd) => new(page.Events, new Checkpoint(reached), new Checkpoint(head), isEnd);
}
