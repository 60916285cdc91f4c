using System.Buffers.Binary;
using EventStore.FileSystem.Disk;

namespace EventStore.FileSystem.Log;

/// <summary>What the writer last told other processes.</summary>
/// <param name="Number">Counts what was told; never twice the same in a file.</param>
/// <param name="End">Up to where the log may be read: acknowledged, and where batches are flushed, on the medium.</param>
/// <param name="DurableEnd">Up to where it was known to be on the medium.</param>
/// <param name="Replacements">How often files of segments were replaced in this opening.</param>
/// <param name="Epoch">The opening of the store that told it.</param>
/// <param name="SyncsEachBatch">Whether what is acknowledged is on the medium.</param>
internal readonly record struct LiveMark(long Number, long End, long DurableEnd, long Replacements, uint Epoch, bool SyncsEachBatch);

/// <summary>
/// The file by which the writer tells other processes how far the log may be read: two marks, written in turn, so that one is always whole. Nothing
/// rests on it but those readers: it is never flushed, recovery does not look at it, and it may be deleted while the store is closed.
/// </summary>
internal static class LiveFile
{
    public const string FileName = "live.esfs";

    /// <summary>So long that nothing is to be allocated later.</summary>
    public const int Length = 4096;

    public const int MarkLength = 64;
    public const int FirstMark = 128;

    private const ulong Magic = 0x3156494C53465345; // "ESFSLIV1"

    public static void WriteHead(Span<byte> into, Guid storeId)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(into, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(into[8..], Format.Major);
        BinaryPrimitives.WriteUInt16LittleEndian(into[10..], Format.Minor);
        storeId.TryWriteBytes(into[16..]);
        BinaryPrimitives.WriteUInt32LittleEndian(into[124..], Crc32C.Of(into[..124]));
    }

    public static void WriteMark(Span<byte> into, in LiveMark mark, ulong seed)
    {
        into[..MarkLength].Clear();
        BinaryPrimitives.WriteInt64LittleEndian(into, mark.Number);
        BinaryPrimitives.WriteInt64LittleEndian(into[8..], mark.End);
        BinaryPrimitives.WriteInt64LittleEndian(into[16..], mark.DurableEnd);
        BinaryPrimitives.WriteInt64LittleEndian(into[24..], mark.Replacements);
        BinaryPrimitives.WriteUInt32LittleEndian(into[32..], mark.Epoch);
        BinaryPrimitives.WriteUInt32LittleEndian(into[36..], mark.SyncsEachBatch ? 1u : 0u);
        BinaryPrimitives.WriteUInt32LittleEndian(into[60..], Crc32C.Of(into[..60], Crc32C.Of(seed, 0)));
    }

    /// <summary>The newer of the two marks; null if neither is whole and of this store.</summary>
    public static LiveMark? ReadMarks(IDiskFile file, ulong seed)
    {
        Span<byte> marks = stackalloc byte[2 * MarkLength];
        if (file.Read(marks, FirstMark) != marks.Length) return null;
        return (ReadMark(marks, seed), ReadMark(marks[MarkLength..], seed)) switch
        {
            ({ } first, { } second) => first.Number > second.Number ? first : second,
            var (first, second) => first ?? second,
        };
    }

    private static LiveMark? ReadMark(ReadOnlySpan<byte> from, ulong seed)
    {
        if (BinaryPrimitives.ReadUInt32LittleEndian(from[60..]) != Crc32C.Of(from[..60], Crc32C.Of(seed, 0))) return null;
        return new LiveMark(
            BinaryPrimitives.ReadInt64LittleEndian(from),
            BinaryPrimitives.ReadInt64LittleEndian(from[8..]),
            BinaryPrimitives.ReadInt64LittleEndian(from[16..]),
            BinaryPrimitives.ReadInt64LittleEndian(from[24..]),
            BinaryPrimitives.ReadUInt32LittleEndian(from[32..]),
            (BinaryPrimitives.ReadUInt32LittleEndian(from[36..]) & 1) != 0);
    }
}

/// <summary>
/// Tells other processes how far the log may be read: where batches are flushed, with each batch. Elsewhere the call would be a good part of a commit, and
/// it is told with the first batch of each tick of the clock, a few milliseconds, and what came after it a moment later. What cannot be told hurts nobody
/// here; it is told with the next.
/// </summary>
internal sealed class LiveWriter : IDisposable
{
    private readonly Segments segments;
    private readonly LogSettings settings;
    private readonly uint epoch;
    private readonly Func<(long End, long DurableEnd)> ends;
    private readonly ITimer? timer;

    // Guarded by the gate.
    private readonly Lock gate = new();
    private readonly byte[] mark = new byte[LiveFile.MarkLength];
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
    public LiveWriter(Segments segments, LogSettings settings, uint epoch, Func<(long End, long DurableEnd)> ends)
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
                LiveFile.WriteMark(mark, new LiveMark(number, end, durableEnd, segments.Replacements, epoch, settings.SyncsEachBatch), segments.Seed);
                file.Write(mark, LiveFile.FirstMark + (number % 2 * LiveFile.MarkLength));
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
            if (opened.Length >= LiveFile.Length) return opened;
            var bytes = new byte[LiveFile.Length];
            LiveFile.WriteHead(bytes, segments.StoreId);
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

/// <summary>Learns from the writer's file how far the log may be read. Costs one read of two marks each time.</summary>
internal sealed class LiveReader(IDisk disk, ulong seed) : IDisposable
{
    private readonly Lock gate = new();
    private IDiskFile? file;

    /// <summary>What was told last; null if the file is missing, or holds nothing whole.</summary>
    public LiveMark? Read()
    {
        lock (gate)
        {
            if (file is null)
            {
                if (!disk.Exists(LiveFile.FileName)) return null;
                file = disk.Open(LiveFile.FileName, forWriting: false);
            }

            return LiveFile.ReadMarks(file, seed);
        }
    }

    /// <summary>Looks the file up anew next time: it may have been deleted, and another one made, while it was open here.</summary>
    public void Forget()
    {
        lock (gate)
        {
            file?.Dispose();
            file = null;
        }
    }

    public void Dispose() => Forget();
}
