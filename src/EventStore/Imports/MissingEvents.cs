namespace EventStore.Imports;

/// <summary>Events that take the places of truncated ones.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="First">The checkpoint of the first.</param>
/// <param name="Count">How many; at least 1.</param>
/// <param name="After">How many places of the stream were filled before.</param>
/// <param name="IsLast">Whether the stream misses no more.</param>
internal readonly record struct Filler(StreamId Stream, Checkpoint First, int Count, long After, bool IsLast);

/// <summary>
/// Assigns gaps in the checkpoints of a source to the truncated events of its streams. Which event had which checkpoint is no longer known,
/// except for the first of each stream. All others were between that one and the first that is left.
/// </summary>
/// <remarks>
/// A gap is given to the stream whose next commit is nearest. If any assignment exists, this one is complete (earliest deadline first); and
/// one exists, because the source had one. Holds an entry of about 200 bytes for each stream.
/// </remarks>
internal sealed class MissingEvents
{
    private const int MaxEventsPerFiller = 1000;

    // Those that begin later, by their beginning, and those that began, by the checkpoint that ends them.
    private readonly PriorityQueue<Gap, long> coming = new();
    private readonly PriorityQueue<Gap, long> begun = new();
    private readonly Dictionary<StreamId, Gap> open = [];

    /// <summary>How many events a stream still misses.</summary>
    public long CountOf(StreamId stream) => open.TryGetValue(stream, out var gap) ? gap.Events : 0;

    /// <summary>A stream that still misses events; null for none.</summary>
    public StreamId? Any => open.Count == 0 ? (StreamId?)null : open.Keys.First();

    /// <summary>Adds a stream, some of whose places may be filled already.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="filled">How many places are filled.</param>
    /// <param name="commits">By how many commits.</param>
    public void Add(TruncatedStream stream, long filled, long commits)
    {
        if (open.ContainsKey(stream.Stream)) return;
        var gap = new Gap(stream);
        gap.Fill(filled, commits);
        if (filled > 0) begun.Enqueue(gap, gap.Before);
        else coming.Enqueue(gap, gap.Incarnation);
        open.Add(stream.Stream, gap);
    }

    /// <summary>The next events to store in a range of checkpoints that is a gap; null for none.</summary>
    public Filler? FindNext(Checkpoint from, Checkpoint upTo)
    {
        var (at, end) = (from.Value, upTo.Value);
        var hasComing = coming.TryPeek(out var next, out var beginning);
        var isBeginning = hasComing && beginning <= at;
        if (!isBeginning && begun.Count == 0)
        {
            if (!hasComing || beginning > end) return null;
            (at, isBeginning) = (beginning, true);
        }

        var gap = isBeginning ? next! : begun.Peek();

        // The first event has its place; the next one may be of a stream that ends earlier.
        var yields = isBeginning && begun.TryPeek(out _, out var ends) && ends < gap.Before;
        if (isBeginning) hasComing = FindSecond(out beginning);
        var room = Math.Max(1, Math.Min(end, hasComing ? beginning - 1 : end) - at + 1);
        var count = yields ? 1 : (int)Math.Min(Math.Min(room, gap.SizeOfNextCommit), MaxEventsPerFiller);
        return new Filler(gap.Stream, new Checkpoint(at), count, gap.Filled, count == gap.Events);
    }

    /// <summary>Notes that a filler is stored, or will be.</summary>
    public void Accept(Filler filler)
    {
        var gap = open[filler.Stream];
        if (gap.Filled == 0) coming.Dequeue();
        else begun.Dequeue();
        gap.Fill(filler.Count);
        if (gap.Events > 0) begun.Enqueue(gap, gap.Before);
        else open.Remove(filler.Stream);
    }

    // The beginning of the stream after the one that begins first.
    private bool FindSecond(out long beginning)
    {
        var first = coming.Dequeue();
        var isFound = coming.TryPeek(out _, out beginning);
        coming.Enqueue(first, first.Incarnation);
        return isFound;
    }

    private sealed class Gap(TruncatedStream stream)
    {
        private long commits = stream.Commits;

        public StreamId Stream => stream.Stream;

        public long Incarnation => stream.Incarnation.Value;

        public long Before => stream.Before.Value;

        public long Filled { get; private set; }

        public long Events => stream.Events - Filled;

        // As long as it may be, so that every later commit still has an event.
        public long SizeOfNextCommit => commits == 0 ? Events : Math.Max(1, Events - (commits - 1));

        public void Fill(long events, long byCommits = 1)
        {
            Filled += events;
            commits = Math.Max(0, commits - byCommits);
        }
    }
}
