using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Log;

/// <summary>Reads the log that another process writes, from segment to segment as they appear. Used by one thread at a time.</summary>
internal sealed class LogFollower(LogSegments segments, LogPoint from)
{
    private readonly LogScanner scanner = new(segments, from.Position, from.Chain);
    private readonly SegmentFinder finder = new(segments);
    private LogPoint point = from;

    /// <summary>Up to where it has read.</summary>
    public LogPoint Point => point;

    /// <summary>Passes on every whole frame before an address; returns whether they reach it.</summary>
    public bool ReadTo(long end, Action<Frame> apply, CancellationToken cancellationToken = default)
    {
        scanner.Renew();
        while (point.Position < end)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (scanner.TryNext(out var frame, end))
            {
                if (frame.Checkpoint != point.NextCheckpoint)
                    throw segments.Damaged(
                        frame.Position, $"checkpoint {frame.Checkpoint} was found where {point.NextCheckpoint} was expected.");
                apply(frame);
                point = new LogPoint(
                    scanner.Position, scanner.Chain, frame.Checkpoint + frame.Count,
                    Math.Max(point.StampTicks, CommitCodec.NewestStampOf(frame)));
                continue;
            }

            // After a seal the next segment may have appeared; the published part may end with its head.
            if (scanner.Position > point.Position) point = point with { Position = scanner.Position };
            else if (!finder.TryTakeNext(point.Position)) return false;
        }

        return true;
    }

    /// <summary>
    /// Returns up to where the log was on the medium when later frames were written. After a power loss that may be further than the last
    /// mark says.
    /// </summary>
    public long FindDurableEnd(CancellationToken cancellationToken)
    {
        var ahead = new LogScanner(segments, point.Position, point.Chain) { Cancellation = cancellationToken };
        var found = 0L;
        while (ahead.TryNext(out var frame)) found = Math.Max(found, frame.DurableEnd);
        return found;
    }
}
