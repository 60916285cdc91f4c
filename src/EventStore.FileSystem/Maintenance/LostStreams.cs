using EventStore.FileSystem.Bytes;

namespace EventStore.FileSystem.Maintenance;

/// <summary>Follows the streams through what was saved of a log, and notes the revisions that are missing between their commits.</summary>
internal sealed class LostStreams
{
    private readonly NameCache names = new();
    private readonly Dictionary<StreamId, (long Start, long Revision)> reached = [];
    private readonly Dictionary<StreamId, List<LostRevisions>> lost = [];

    public IReadOnlyList<LostRevisions> All => [.. lost.Values.SelectMany(holes => holes).OrderBy(hole => hole.Stream)];

    public void Follow(in Frame frame)
    {
        var reader = new BodyReader(frame.Body);
        switch (frame.Kind)
        {
            case FrameKind.Commit:
                Follow(new CommitReader(frame, names));
                break;
            case FrameKind.StreamDelete:
                Forget(reader.Stream());
                break;
            case FrameKind.Purge:
                var bucket = reader.Text();
                foreach (var stream in reached.Keys.Where(stream => bucket.Length == 0 || stream.Bucket == bucket).ToArray())
                    Forget(stream);
                break;
        }
    }

    private void Follow(in CommitReader commit)
    {
        var stream = commit.Stream;
        var (start, revision) = reached.GetValueOrDefault(stream);
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
    }

    private void Forget(StreamId stream)
    {
        reached.Remove(stream);
        lost.Remove(stream);
    }
}
