using EventStore.FileSystem.Bytes;

namespace EventStore.FileSystem.Maintenance;

/// <summary>Follows the streams through what was saved of a log, and notes the revisions that are missing between their commits.</summary>
internal sealed class LostStreams
{
    private readonly NameCache names = new();
    private readonly Dictionary<StreamId, (long Start, long Revision)> reached = [];
    private readonly Dictionary<StreamId, List<LostRevisions>> lost = [];

    public IReadOnlyList<LostRevisions> All => [.. lost.Values.SelectMany(holes => holes).OrderBy(hole => hole.Stream)];

    /// <summary>Follows a frame; false if it contradicts those before it, so that it cannot be where it is.</summary>
    public bool TryFollow(in Frame frame)
    {
        var reader = new BodyReader(frame);
        switch (frame.Kind)
        {
            case FrameKind.Commit:
                return TryFollow(new CommitReader(frame, names));
            case FrameKind.StreamDelete:
                Forget(reader.Stream());
                break;
            case FrameKind.Purge:
                var bucket = RecordCodec.ReadPurge(frame);
                foreach (var stream in reached.Keys.Where(stream => bucket.Length == 0 || stream.Bucket == bucket).ToArray())
                    Forget(stream);
                break;
        }

        return true;
    }

    private bool TryFollow(in CommitReader commit)
    {
        var stream = commit.Stream;
        var (start, revision) = reached.GetValueOrDefault(stream);
        if (start > commit.StreamStart || (start == commit.StreamStart && commit.FirstRevision <= revision)) return false;
        if (commit.StreamStart == commit.Position && commit.FirstRevision > 1) return false;
        if (start != commit.StreamStart)
        {
            // The stream was deleted and created again, as far as the saved part shows.
            Forget(stream);
            revision = 0;
        }

        var first = commit.FirstRevision;
        if (first > revision + 1)
        {
            if (!lost.TryGetValue(stream, out var holes)) lost.Add(stream, holes = []);
            holes.Add(new LostRevisions(stream, new Revision(revision + 1), new Revision(first - 1)));
        }

        reached[stream] = (commit.StreamStart, commit.LastRevision);
        return true;
    }

    private void Forget(StreamId stream)
    {
        reached.Remove(stream);
        lost.Remove(stream);
    }
}
