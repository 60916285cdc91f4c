using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Log;

/// <summary>
/// Finds out whether the paths of a store still lead to the files that its writer has open. Where batches are flushed, every batch is
/// checked, because two look-ups of names are nothing beside a flush. Elsewhere they would be a good part of a commit, and are made at
/// intervals. Used by the writer only, except for <see cref="RequireStore"/>.
/// </summary>
internal sealed class PlaceCheck(LogSegments segments, LogSettings settings)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);
    private long last;

    /// <summary>
    /// Checks that the store's folder is the one that was opened; if not, its log is faulted. On any thread, before files are made.
    /// </summary>
    /// <exception cref="StorageReplacedException">It was removed, renamed or replaced.</exception>
    public static void RequireStore(SegmentedLog log)
    {
        if (log.Segments.FindReplacedIdentity() is not { } file) return;
        var error = ErrorOf(log.Segments, file);
        log.Fault.Set(error);
        throw error;
    }

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
        segments.FindReplaced(active, segment) is { } file ? ErrorOf(segments, file) : null;

    private static StorageReplacedException ErrorOf(LogSegments segments, string file) =>
        new(segments.Disk.Root, $"'{file}' was removed, renamed or replaced while this process had it open.");
}
