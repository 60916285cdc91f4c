using EventStore.FileSystem.Log;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Engine;

/// <summary>Reads pages of the whole store, by walking the log in either direction and leaving out what was deleted or is not asked for.</summary>
internal sealed class StoreReading
{
    private const int FirstWindowBytes = 64 << 10;
    private const int MaxCommitsPerPage = 16_384;
    private readonly OpenStore store;
    private readonly StoreRead read;
    private readonly LogPoint end;
    private readonly long head;
    private readonly long upTo;
    private readonly LogReader reader;
    private readonly PageBuilder page;
    private readonly Dictionary<StreamId, long> starts = [];
    private int examined;

    private StoreReading(OpenStore store, StoreRead read)
    {
        (this.store, this.read, end, page) = (store, read, store.End, new PageBuilder(read.Limit));
        head = end.NextCheckpoint - 1;
        upTo = Math.Min(read.UpTo.Value, head);
        reader = store.OpenReader(FirstWindowBytes);
    }

    public static StorePage Read(OpenStore store, StoreRead read)
    {
        var reading = new StoreReading(store, read);
        return read.Direction == ReadDirection.Forward ? reading.Forward() : reading.Backward();
    }

    private StorePage Forward()
    {
        var reached = read.After.Value;
        if (reached >= upTo) return Answer(reached, isEnd: true);
        for (var position = PlaceOf(reached + 1); (position = reader.Settle(position)) < end.Position;)
        {
            var frame = reader.Read(position);
            position = frame.End;
            var (first, last) = (frame.Header.Checkpoint, frame.Header.Checkpoint + frame.Header.Count - 1);
            if (frame.Header.Count == 0 || last <= reached) continue;
            if (first > upTo) break;
            if (examined++ == MaxCommitsPerPage) return Answer(reached, isEnd: false);
            if (EventsOf(frame) is { } events)
            {
                for (var at = Math.Max(first, reached + 1); at <= Math.Min(last, upTo); at++)
                {
                    if (!TryAdd(events[at - first])) return Answer(reached, isEnd: false);
                    reached = at;
                }
            }

            reached = Math.Min(last, upTo);
        }

        return Answer(reached, isEnd: true);
    }

    private StorePage Backward()
    {
        var reached = read.UpTo.Value;
        for (var bound = upTo; bound > read.After.Value;)
        {
            var frames = CommitsUpTo(bound);
            if (frames.Count == 0) throw store.Segments.Damaged(OpenStore.Origin.Position, $"the commit of checkpoint {bound} is not in the log.");
            for (var i = frames.Count - 1; i >= 0; i--)
            {
                var first = frames[i].Header.Checkpoint;
                var last = Math.Min(first + frames[i].Header.Count - 1, bound);
                if (last <= read.After.Value) return Answer(reached, isEnd: true);
                if (examined++ == MaxCommitsPerPage) return Answer(reached, isEnd: false);
                var lowest = Math.Max(first, read.After.Value + 1);
                if (EventsOf(frames[i]) is { } events)
                {
                    for (var at = last; at >= lowest; at--)
                    {
                        if (!TryAdd(events[at - first])) return Answer(reached, isEnd: false);
                        reached = at;
                    }
                }

                reached = lowest;
            }

            bound = frames[0].Header.Checkpoint - 1;
        }

        return Answer(reached, isEnd: true);
    }

    // The commits, and the gaps of others, from a known place up to a checkpoint, in order. Places lie close together, so there are not many.
    private List<Frame> CommitsUpTo(long bound)
    {
        var frames = new List<Frame>();
        for (var position = PlaceOf(bound); (position = reader.Settle(position)) < end.Position;)
        {
            var frame = reader.Read(position);
            if (frame.Header.Checkpoint > bound) break;
            if (frame.Header.Count > 0) frames.Add(frame);
            position = frame.End;
        }

        return frames;
    }

    private long PlaceOf(long checkpoint) => store.Index.PlaceOf(checkpoint) is > 0 and var place ? place : OpenStore.Origin.Position;

    // The events of a commit whose stream is there and asked for; null otherwise.
    private RecordedEvent[]? EventsOf(in Frame frame)
    {
        if (frame.Header.Kind != FrameKind.Commit) return null;
        var commit = CommitCodec.Read(frame, store.Names);
        return read.Filter.MatchesCommit(commit.Record) && IsLive(commit) ? CommitCodec.ReadEvents(commit, store.Names) : null;
    }

    private bool IsLive(in StoredCommit commit)
    {
        if (commit.Frame.Header.Position > store.Index.Removals.Newest) return true;
        var stream = commit.Record.Stream;
        if (!starts.TryGetValue(stream, out var start)) starts.Add(stream, start = store.Index.FindHead(stream).Start);
        return start == commit.StreamStart;
    }

    private bool TryAdd(in RecordedEvent recorded) =>
        (read.Filter.EventTypes is { } types && !types.Contains(recorded.Record.EventType)) || page.TryAdd(recorded);

    private StorePage Answer(long reached, bool isEnd) => new(page.Events, reached, head, isEnd);
}
