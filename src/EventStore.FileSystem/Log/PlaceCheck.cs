using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Log;

/// <summary>
/// Finds out whether the paths of a store still lead to the files that its writer has open. Where batches are flushed, two look-ups of
/// names are nothing beside a flush, and every batch is checked; elsewhere they would be a good part of a commit, and the check is made at
/// intervals. Used by the writer only.
/// </summary>
internal sealed class PlaceCheck(LogSegments segments, LogSettings settings)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);
    private long last;

    /// <summary>Whether it is time for a check.</summary>
    public bool IsDue()
    {
        if (settings.SyncsEachBatch) return true;
        var now = settings.Time.GetTimestamp();
        if (settings.Time.GetElapsedTime(last, now) < Interval) return false;
        last = now;
        return true;
    }

    /// <summary>The error if a path leads elsewhere, or to nothing; null if all is in place.</summary>
    public StorageReplacedException? Find(IDiskFile active, Segment segment) =>
        segments.FindReplaced(active, segment) is { } file
            ? new StorageReplacedException(
                segments.Disk.Root, $"'{file}' was removed, renamed or replaced while this process had it open.")
            : null;
}
