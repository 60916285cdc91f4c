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

    public IReadOnlyList<LostRevisions> All =>
        [.. lost.Where(stream => KnownOf(stream.Key).Start > 0).SelectMany(stream => stream.Value).OrderBy(hole => hole.Stream)];

    /// <summary>Whether a stream was made again whose deletion was not among what was saved.</summary>
    public bool HasMissedDeletion { get; private set; }

    /// <summary>Follows a frame; false if it contradicts those before it, so that it cannot be where it is.</summary>
    public bool TryFollow(in Frame frame)
    {
        var reader = new BodyReader(frame);
        switch (frame.Kind)
        {
            case FrameKind.Commit or FrameKind.Unit or FrameKind.Shortened:
                return TryFollowCommits(frame);
            case FrameKind.StreamState:
                return TryFollowState(frame);
            case FrameKind.StreamDelete:
                var deleted = reader.Stream();
                lost.Remove(deleted);
                reached[deleted] = new Reached(0, 0, frame.Position);
                break;
            case FrameKind.Purge:
                Purge(RecordCodec.ReadPurge(frame).Bucket, frame.Position);
                break;
        }

        return true;
    }

    // All commits of a unit belong where it is, or none.
    private bool TryFollowCommits(in Frame frame)
    {
        for (var commits = new FrameCommits(frame, names); commits.TryNext(out var commit);)
        {
            var known = KnownOf(commit.Stream);
            if (commit.StreamStart == commit.Position && commit.FirstRevision > 1) return false;
            if (commit.StreamStart == known.Start ? commit.FirstRevision <= known.Revision : commit.StreamStart <= known.LastPosition)
                return false;
        }

        for (var commits = new FrameCommits(frame, names); commits.TryNext(out var commit);)
        {
            Follow(commit.Stream, commit.StreamStart, commit.StreamFirst - 1, commit.FirstRevision - 1);
            reached[commit.Stream] = new Reached(commit.StreamStart, commit.LastRevision, commit.Position);
        }

        return true;
    }

    private bool TryFollowState(in Frame frame)
    {
        var (stream, head, _) = RecordCodec.ReadState(frame);
        var known = KnownOf(stream);
        if (head.Start == known.Start ? head.Revision < known.Revision : head.Start <= known.LastPosition) return false;
        Follow(stream, head.Start, head.FirstRevision - 1, head.Revision);
        reached[stream] = new Reached(head.Start, head.Revision, frame.Position);
        return true;
    }

    // Notes the revisions of a stream that were not seen, up to one; those that were truncated are not missing.
    private void Follow(StreamId stream, long start, long truncated, long upTo)
    {
        var known = KnownOf(stream);
        if (start != known.Start)
        {
            // Another stream of this name, which began after the end of the one before.
            HasMissedDeletion |= known.Start > 0;
            lost.Remove(stream);
            known = new Reached(start, 0, 0);
        }

        var first = Math.Max(known.Revision, truncated) + 1;
        if (first > upTo) return;
        if (!lost.TryGetValue(stream, out var holes)) lost.Add(stream, holes = []);
        holes.Add(new LostRevisions(stream, new Revision(first), new Revision(upTo)));
    }

    private Reached KnownOf(StreamId stream)
    {
        var purgedAt = Math.Max(allPurged, purged.GetValueOrDefault(stream.Bucket));
        return reached.TryGetValue(stream, out var known) && known.LastPosition > purgedAt ? known : new Reached(0, 0, purgedAt);
    }

    private void Purge(string bucket, long position)
    {
        if (bucket.Length == 0) allPurged = position;
        else purged[bucket] = position;
    }

    // How far a stream was followed: where it began, its revision, and where its newest commit, or its deletion, is.
    private readonly record struct Reached(long Start, long Revision, long LastPosition);
}
