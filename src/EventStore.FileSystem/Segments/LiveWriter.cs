using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;

namespace EventStore.FileSystem.Segments;

/// <summary>
/// Tells other processes how far the log may be read: where batches are flushed, with each batch. Elsewhere the call would be a good part of a commit, and
/// it is told with the first batch of each tick of the clock, a few milliseconds, and what came after it a moment later. What cannot be told hurts nobody
/// here; it is told with the next.
/// </summary>
internal sealed class LiveWriter : IDisposable
{
    private readonly LogSegments segments;
    private readonly LogSettings settings;
    private readonly uint epoch;
    private readonly Func<(long End, long DurableEnd)> ends;
    private readonly ITimer? timer;

    // Guarded by the gate.
    private readonly Lock gate = new();
    private readonly byte[] mark = new byte[LiveFormat.MarkLength];
    private IDiskFile? file;
    private long number;
    private bool isClosed;

    // One while the timer runs.
    private int isDue;

    // Touched by whoever writes the log only.
    private long tick;

    /// <param name="segments">The log.</param>
    /// <param name="settings">Whether, and how often, is told.</param>
    /// <param name="epoch">This opening.</param>
    /// <param name="ends">Up to where the log is published, and is on the medium.</param>
    public LiveWriter(LogSegments segments, LogSettings settings, uint epoch, Func<(long End, long DurableEnd)> ends)
    {
        (this.segments, this.settings, this.epoch, this.ends) = (segments, settings, epoch, ends);
        if (settings.LiveDelay is not null) timer = TimeProvider.System.CreateTimer(_ => TellWhatIsDue(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Tell();
    }

    /// <summary>Called by the writer whenever more is published.</summary>
    public void Notice()
    {
        if (timer is null || IsOtherTick()) Tell();
        else if (Volatile.Read(ref isDue) == 0 && Interlocked.Exchange(ref isDue, 1) == 0) timer.Change(settings.LiveDelay!.Value, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Tells it now.</summary>
    public void Tell()
    {
        lock (gate)
        {
            if (isClosed) return;
            try
            {
                file ??= Open();
                var (end, durableEnd) = ends();
                number++;
                LiveFormat.WriteMark(mark, new LiveMark(number, end, durableEnd, segments.Replacements, epoch, settings.SyncsEachBatch), segments.Seed);
                file.Write(mark, LiveFormat.FirstMark + (number % 2 * LiveFormat.MarkLength));
            }
            catch (IOException)
            {
                // Readers elsewhere learn it with the next batch; here nothing depends on it.
            }
        }
    }

    public void Dispose()
    {
        timer?.Dispose();
        Tell();
        lock (gate)
        {
            isClosed = true;
            file?.Dispose();
        }
    }

    private bool IsOtherTick()
    {
        var now = Environment.TickCount64;
        if (now == tick) return false;
        tick = now;
        return true;
    }

    // Due again from here on: what is published while it is told is told once more.
    private void TellWhatIsDue()
    {
        Interlocked.Exchange(ref isDue, 0);
        Tell();
    }

    // The file of an earlier opening is written on, because readers have it open.
    private IDiskFile Open()
    {
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
