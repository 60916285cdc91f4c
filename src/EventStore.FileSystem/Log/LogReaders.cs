using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Log;

/// <summary>Idle readers, kept so that a replay continues with the window that its last page filled.</summary>
/// <param name="segments">The log.</param>
/// <param name="cache">Keeps frames that are looked up repeatedly; null for readers that read each frame once.</param>
internal sealed class LogReaders(LogSegments segments, FrameCache? cache = null)
{
    private readonly LogReader?[] idle = new LogReader?[8];

    /// <summary>Takes the reader whose replay stopped before a checkpoint; otherwise any.</summary>
    public LogReader Take(long publishedEnd, long checkpoint = 0)
    {
        var taken = TakeIdle(reader => reader.Resumes.Checkpoint == checkpoint) ?? TakeIdle(_ => true) ?? new LogReader(segments, cache);
        taken.Renew(publishedEnd);
        return taken;
    }

    /// <summary>Returns a reader to the pool. A reader that is not returned, because reading failed, is collected.</summary>
    public void Return(LogReader reader)
    {
        for (var i = 0; i < idle.Length; i++)
        {
            if (idle[i] is null && Interlocked.CompareExchange(ref idle[i], reader, null) is null) return;
        }
    }

    private LogReader? TakeIdle(Func<LogReader, bool> isFit)
    {
        for (var i = 0; i < idle.Length; i++)
        {
            if (idle[i] is { } reader && isFit(reader) && Interlocked.CompareExchange(ref idle[i], null, reader) == reader) return reader;
        }

        return null;
    }
}
