using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Index;
using EventStore.FileSystem.Log;
using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Store;

/// <summary>
/// Everything that reading needs of a store: its log, its index, and how far both may be read. Used in the writing process and in others.
/// </summary>
internal sealed class StoreView
{
    private readonly PublishedEnd published;

    public StoreView(LogSegments segments, StoreIndex index, LogPoint end)
    {
        (Segments, Index, published) = (segments, index, new PublishedEnd(end));
        (Replays, Lookups) = (new LogReaders(segments), new LogReaders(segments, new FrameCache()));
    }

    public LogSegments Segments { get; }

    public StoreIndex Index { get; }

    public NameCache Names { get; } = new();

    /// <summary>Readers of the log in checkpoint order.</summary>
    public LogReaders Replays { get; }

    /// <summary>Readers of the log at scattered places.</summary>
    public LogReaders Lookups { get; }

    /// <summary>Up to where everything may be read.</summary>
    public LogPoint End => published.Read();

    /// <summary>Up to where frames that the index names may be read: written, though perhaps not yet published.</summary>
    public long IndexedEnd => published.Reached;

    /// <summary>Allows looking up frames that are about to be indexed.</summary>
    public void Reach(long position) => published.Reach(position);

    /// <summary>Publishes the log up to a point.</summary>
    public void Publish(LogPoint end) => published.Publish(end);

    /// <summary>Reads one frame that the index names.</summary>
    public T Look<T>(long position, Func<Frame, T> read)
    {
        var reader = Lookups.Take(IndexedEnd);
        var result = read(reader.Read(position));
        Lookups.Return(reader);
        return result;
    }

    /// <summary>Whether nothing that was removed can be at an address. Where parts were lost, deletions may be among them.</summary>
    public bool IsBehindRemovals(long position) => position > Index.Removals.Newest && !Segments.HasLosses;

    /// <summary>
    /// How many events of a commit, the first ones, are removed. All of them where its stream was deleted since, or truncated behind it.
    /// </summary>
    public int RemovedOf(in CommitReader commit) =>
        IsBehindRemovals(commit.Position) ? commit.Removed : RemovedOf(commit, Index.FindHead(commit.Stream));

    /// <summary>The same where the head of the stream is known.</summary>
    public static int RemovedOf(in CommitReader commit, in HeadEntry head)
    {
        if (!head.Exists || head.Start != commit.StreamStart) return commit.EventCount;
        return (int)Math.Clamp(head.FirstRevision - commit.FirstRevision, commit.Removed, commit.EventCount);
    }
}
