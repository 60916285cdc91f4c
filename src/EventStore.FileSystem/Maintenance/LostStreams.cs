using EventStore.FileSystem.Bytes;

namespace EventStore.FileSystem.Maintenance;

/// <summary>
/// Follows the streams through what was saved of a log, and notes the revisions that are missing between their commits. A commit that
/// contradicts those before it is no part of the log, whatever its checksum says.
/// </summary>
internal sealed class LostStreams
{
    private readonly NameCache names = new();
    private readonly Dictionary<StreamId, Reached> reached = [];
    private readonly Dictionary<string, long> purged = new(StringComparer.Ordinal);
    private readonly Dictionary<StreamId, List<LostRevisions>> lost = [];
    private long allPurged;

    public IReadOnlyList<LostRevisions> All => [.. lost.Values.SelectMany(holes => holes).OrderBy(hole => hole.Stream)];

    /// <summary>Whether a stream was made again whose deletion was not among what was saved.</summary>
    public bool HasMissedDeletion { get; private set; }

    /// <summary>Follows a frame; false if it contradicts those before it, so that it cannot be where it is.</summary>
    public bool TryFollow(in Frame frame)
    {
        var reader = new BodyReader(frame);
        switch (frame.Kind)
        {
            case FrameKind.Commit:
                return TryFollow(new CommitReader(frame, names));
            case FrameKind.StreamDelete:
                var deleted = reader.Stream();
                lost.Remove(deleted);
                reached[deleted] = new Reached(0, 0, frame.Position);
                break;
            case FrameKind.Purge:
                Purge(RecordCodec.ReadPurge(frame), frame.Position);
                break;
        }

        return true;
    }

    private bool TryFollow(in CommitReader commit)
    {
        var (stream, start, first) = (commit.Stream, commit.StreamStart, commit.FirstRevision);
        var known = reached.GetValueOrDefault(stream, new Reached(0, 0, Math.Max(allPurged, purged.GetValueOrDefault(stream.Bucket))));
        if (start == commit.Position && first > 1) return false;
        if (start == known.Start)
        {
            if (first <= known.Revision) return false;
        }
        else
        {
            // Another stream of this name, which began after the end of the one before.
            if (start <= known.LastPosition) return false;
            HasMissedDeletion |= known.Start > 0;
            lost.Remove(stream);
            known = new Reached(start, 0, 0);
        }

        if (first > known.Revision + 1)
        {
            if (!lost.TryGetValue(stream, out var holes)) lost.Add(stream, holes = []);
            holes.Add(new LostRevisions(stream, new Revision(known.Revision + 1), new Revision(first - 1)));
        }

        reached[stream] = new Reached(start, commit.LastRevision, commit.Position);
        return true;
    }

    private void Purge(string bucket, long position)
    {
        if (bucket.Length == 0) allPurged = position;
        else purged[bucket] = position;
        foreach (var stream in reached.Keys.Where(stream => bucket.Length == 0 || stream.Bucket == bucket).ToArray())
        {
            lost.Remove(stream);
            reached.Remove(stream);
        }
    }

    // How far a stream was followed: where it began, its revision, and where its newest commit, or its deletion, is.
    private readonly record struct Reached(long Start, long Revision, long LastPosition);
}
