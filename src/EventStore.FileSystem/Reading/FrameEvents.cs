using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Reading;

/// <summary>Adds the events of frames to a page of the store: those that are still there and that the filter includes.</summary>
internal sealed class FrameEvents(StoreView store, StoreRead read, CommitPage page)
{
    private readonly Dictionary<StreamId, HeadEntry> heads = [];
    private readonly bool isForward = read.Direction == ReadDirection.Forward;

    /// <summary>Adds a range of a frame's events, or fewer if the page fills up; returns how many were processed.</summary>
    /// <param name="frame">The frame, which may hold no commits.</param>
    /// <param name="first">The place of the oldest event that is meant.</param>
    /// <param name="last">The place of the newest one.</param>
    public int Add(Frame frame, int first, int last)
    {
        if (page.IsFull) return 0;
        if (!frame.HoldsCommits) return last - first + 1;
        if (frame.Kind == FrameKind.Commit)
        {
            var only = FrameCommits.ReadSingle(frame, store.Names);
            return Add(ref only, first, last);
        }

        var commits = new FrameCommits(frame, store.Names);
        if (commits.Size > 1) return isForward ? AddForward(frame, commits, first, last) : AddBackward(frame, commits, first, last);
        return commits.TryNext(out var commit) ? Add(ref commit, first, last) : last - first + 1;
    }

    private int AddForward(Frame frame, FrameCommits commits, int first, int last)
    {
        while (commits.TryNext(out var commit))
        {
            var offset = (int)(commit.FirstCheckpoint - frame.Checkpoint);
            var (from, to) = (Math.Max(first, offset), Math.Min(last, offset + commit.EventCount - 1));
            if (from > to) continue;
            var done = Add(ref commit, from - offset, to - offset);
            if (done <= to - from) return from + done - first;
        }

        return last - first + 1;
    }

    private int AddBackward(Frame frame, FrameCommits commits, int first, int last)
    {
        var places = new List<MemberPlace>();
        for (var place = commits.Place; commits.TryNext(out _); place = commits.Place)
        {
            places.Add(place);
            commits.Settle();
        }

        for (var i = places.Count - 1; i >= 0; i--)
        {
            commits.MoveTo(places[i]);
            if (!commits.TryNext(out var commit)) break;
            var offset = (int)(commit.FirstCheckpoint - frame.Checkpoint);
            var (from, to) = (Math.Max(first, offset), Math.Min(last, offset + commit.EventCount - 1));
            if (from > to) continue;
            var done = Add(ref commit, from - offset, to - offset);
            if (done <= to - from) return last - to + done;
        }

        return last - first + 1;
    }

    private int Add(ref CommitReader commit, int first, int last)
    {
        var record = page.Record(commit);
        var all = last - first + 1;
        if (!read.Filter.MatchesCommit(record)) return all;
        var from = Math.Max(first, RemovedOf(commit));
        if (from > last) return all;
        var done = page.Add(ref commit, record, from, last);
        return isForward ? from - first + done : done == last - from + 1 ? all : done;
    }

    private int RemovedOf(in CommitReader commit)
    {
        if (store.IsBehindRemovals(commit.Position)) return commit.Removed;
        var stream = commit.Stream;
        if (!heads.TryGetValue(stream, out var head)) heads.Add(stream, head = store.Index.FindHead(stream));
        return StoreView.RemovedOf(commit, head);
    }
}
