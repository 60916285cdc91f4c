using EventStore.FileSystem.Bytes;

namespace EventStore.FileSystem.Store;

/// <summary>Up to where everything may be read. Set by the one writer; readers never wait for it. Allocates nothing per commit.</summary>
internal sealed class PublishedEnd(LogPoint first)
{
    private LogPoint point = first;
    private long reached = first.Position;

    // Odd while the point is being changed.
    private int version;

    /// <summary>Up to where the log is written, though perhaps not yet published.</summary>
    public long Reached => Volatile.Read(ref reached);

    public void Reach(long position) => Volatile.Write(ref reached, position);

    public void Publish(LogPoint end)
    {
        Reach(end.Position);
        Interlocked.Increment(ref version);
        point = end;
        Volatile.Write(ref version, version + 1);
    }

    /// <summary>Returns a consistent point: if it changes while it is read, it is read again.</summary>
    public LogPoint Read()
    {
        while (true)
        {
            var before = Volatile.Read(ref version);
            var read = point;
            Thread.MemoryBarrier();
            if ((before & 1) == 0 && Volatile.Read(ref version) == before) return read;
            Thread.SpinWait(1);
        }
    }
}
