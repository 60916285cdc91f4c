using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Log;

/// <summary>
/// Where batches are not flushed, flushes accumulated bytes in the background. So sealing a segment, for which the writer waits, has little
/// left to flush. Gives no guarantee.
/// </summary>
internal sealed class FlushBeside(LogSettings settings, SegmentedLog log, long flushedEnd) : IAsyncDisposable
{
    private const long MostUnflushedBytes = 8 << 20;
    private long flushedEnd = flushedEnd;
    private Task flushing = Task.CompletedTask;

    /// <summary>Called by the writer after each batch.</summary>
    public void Wrote(long end)
    {
        if (end - flushedEnd < MostUnflushedBytes || !flushing.IsCompleted) return;
        flushedEnd = end;
        flushing = settings.InBackground(Flush);
    }

    public async ValueTask DisposeAsync() => await flushing.ConfigureAwait(false);

    private void Flush()
    {
        try
        {
            log.SyncNow();
        }
        catch (BatchOutcomeUnknownException)
        {
            // The log is faulted, and the next write reports it.
        }
    }
}
