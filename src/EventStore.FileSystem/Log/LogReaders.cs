using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Log;

/// <summary>Readers that wait for their next page, so that a replay goes on with the window that its last page left.</summary>
/// <param name="segments">The log.</param>
/// <param name="cache">Holds what is looked up again and again; null for readers that pass by once.</param>
internal sealed class LogReaders(LogSegments segments, FrameCache? cache = null)
{
    private readonly LogReader?[] idle = new LogReader?[8];

    /// <summary>Takes a reader that was left at a checkpoint, or else any.</summary>
    public LogReader Take(long publishedEnd, long checkpoint = 0)
    {
        var taken = TakeIdle(reader => reader.Resumes.Checkpoint == checkpoint) ?? TakeIdle(_ => true) ?? new LogReader(segments, cache);
        taken.Renew(publishedEnd);
        return taken;
    }

    /// <summary>Gives a reader back. One that is not given back, because reading failed, is simply lost.</summary>
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
