using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Log;
using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Store;

/// <summary>
/// Publishes to other processes how far the log may be read. Where batches are flushed, it writes a mark with each batch. Elsewhere that
/// call would be a good part of a commit. There, a mark is written with the first batch after a few milliseconds, and for the batches in
/// between by a timer. A mark that cannot be written does no harm here; the next one covers it.
/// </summary>
internal sealed class LiveWriter : IDisposable
{
    private readonly SegmentedLog log;
    private readonly LogSettings settings;
    private readonly TimeSpan delay;
    private readonly ITimer? timer;

    // Guarded by the gate.
    private readonly Lock gate = new();
    private readonly byte[] mark = new byte[LiveFormat.MarkLength];
    private IDiskFile? file;
    private long number;
    private bool isClosed;

    // One while the timer runs.
    private int isDue;

    // Touched by the writer only.
    private long published;

    public LiveWriter(StoreView view, SegmentedLog log, LogSettings settings)
    {
        (View, this.log, this.settings, delay) = (view, log, settings, settings.LiveDelay ?? TimeSpan.Zero);
        if (settings.LiveDelay is not null)
            timer = settings.Time.CreateTimer(_ => PublishWhatIsDue(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Publish();
    }

    /// <summary>What may be read in this process.</summary>
    public StoreView View { get; }

    /// <summary>Called by the writer whenever more of the log may be read.</summary>
    public void Notice()
    {
        if (Volatile.Read(ref isDue) != 0) return; // the timer publishes this too
        if (timer is null || IsDelayOver()) Publish();
        else if (Interlocked.Exchange(ref isDue, 1) == 0) timer.Change(delay, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Writes a mark now.</summary>
    public void Publish()
    {
        lock (gate)
        {
            if (isClosed) return;
            try
            {
                file ??= Open();
                var segments = log.Segments;
                number++;
                var live = new LiveMark(
                    number, View.End.Position, log.DurableEnd, segments.Replacements, log.Epoch, settings.SyncsEachBatch);
                LiveFormat.WriteMark(mark, live, segments.Seed);
                file.Write(mark, LiveFormat.FirstMark + (number % 2 * LiveFormat.MarkLength));
            }
            catch (IOException)
            {
                // Readers in other processes see it with the next mark; nothing here depends on it.
            }
        }
    }

    public void Dispose()
    {
        timer?.Dispose();
        Publish();
        lock (gate)
        {
            isClosed = true;
            file?.Dispose();
        }
    }

    private bool IsDelayOver()
    {
        var now = settings.Time.GetTimestamp();
        if (settings.Time.GetElapsedTime(published, now) < delay) return false;
        published = now;
        return true;
    }

    // Cleared before the mark is written: what is published meanwhile starts the timer again.
    private void PublishWhatIsDue()
    {
        Interlocked.Exchange(ref isDue, 0);
        Publish();
    }

    // The file of an earlier opening is written on, because readers have it open.
    private IDiskFile Open()
    {
        var segments = log.Segments;
        var isThere = segments.Disk.Exists(LiveFile.FileName);
        var opened = isThere ? segments.Disk.Open(LiveFile.FileName, forWriting: true) : segments.Disk.Create(LiveFile.FileName);
        try
        {
            number = Math.Max(number, LiveFile.ReadMarks(opened, segments.Seed)?.Number ?? 0);
            if (opened.Length >= LiveFormat.Length) return opened;
            var bytes = new byte[LiveFormat.Length];
            LiveFormat.WriteHead(bytes, segments.StoreId);
            opened.Write(bytes, 0);
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }
}
