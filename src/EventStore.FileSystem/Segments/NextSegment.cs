using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;

namespace EventStore.FileSystem.Segments;

/// <summary>
/// The file that becomes the next segment, made in the background while the current one fills, so that the writer does not wait for it.
/// It gets its head and its name when the writer takes it. If making it failed, the writer tries again and reports the error. Only a
/// failed flush is reported at once: the disk cannot be trusted then.
/// </summary>
internal sealed class NextSegment(IDisk disk, LogSettings settings, LogFault fault) : IAsyncDisposable
{
    private const string Path = $"{LogSegments.Folder}/next.seg.tmp";
    private const long FewestBytes = 1 << 20;
    private const long LeastAheadBytes = 64 << 10;
    private const int ShareOfFree = 4;

    // Guarded by the gate: not wanted, wanted, ready; taking it makes it not wanted again.
    private readonly Lock gate = new();
    private bool isWanted;
    private IDiskFile? ready;

    private Task working = Task.CompletedTask;

    public static string TemporaryPath => Path;

    /// <summary>Starts making it in the background, unless that was done already.</summary>
    public void Prepare()
    {
        lock (gate)
        {
            if (isWanted) return;
            isWanted = true;
        }

        working = settings.InBackground(MakeAhead);
    }

    /// <summary>Takes it; makes it now if it is not ready.</summary>
    public IDiskFile Take()
    {
        lock (gate)
        {
            var taken = ready ?? Make(Math.Min(settings.SegmentSizeBytes, FewestBytes)); // a short file suffices where space is scarce
            (ready, isWanted) = (null, false);
            return taken;
        }
    }

    public async ValueTask DisposeAsync()
    {
        lock (gate)
        {
            isWanted = false;
            if (ready is not null) Discard(ready);
            ready = null;
        }

        await working.ConfigureAwait(false);
    }

    /// <summary>
    /// How much of some space may be taken before it is needed. It is never more than a part of what is free; others need space too.
    /// </summary>
    public static long Affordable(IDisk disk, long wanted)
    {
        if (wanted < LeastAheadBytes) return Math.Max(wanted, 0);
        var affordable = Math.Min(wanted, disk.FreeBytes / ShareOfFree);
        return affordable < LeastAheadBytes ? 0 : affordable;
    }

    private void Discard(IDiskFile made)
    {
        made.Dispose();
        disk.TryDelete(Path);
    }

    public static void WriteHeader(IDiskFile file, SegmentHeader header)
    {
        var bytes = new byte[Format.SegmentHeaderLength];
        Format.WriteSegmentHeader(bytes, header);
        file.Write(bytes, 0);
        file.Sync();
    }

    private void MakeAhead()
    {
        lock (gate)
        {
            if (!isWanted || ready is not null) return;
            try
            {
                ready = Make(settings.SegmentSizeBytes);
            }
            catch (IOException)
            {
                // The writer tries again when it needs the file, and reports the error.
            }
        }
    }

    private IDiskFile Make(long allocatedBytes)
    {
        var file = disk.Create(Path);
        try
        {
            if (settings.SyncsEachBatch) TakeSpace(file, Affordable(disk, allocatedBytes));
            file.Write(new byte[Format.SegmentHeaderLength], 0);
            Flush(file);
            return file;
        }
        catch
        {
            Discard(file); // it may occupy the space that is missing
            throw;
        }
    }

    // Without it, the segment grows as it is written.
    private static void TakeSpace(IDiskFile file, long bytes)
    {
        if (bytes == 0) return;
        try
        {
            file.Allocate(bytes);
        }
        catch (DiskFullException)
        {
            file.SetLength(0); // a part of it may have been given
        }
    }

    private void Flush(IDiskFile file)
    {
        try
        {
            file.Sync();
        }
        catch (IOException error)
        {
            fault.Set(error);
            throw;
        }
    }
}
