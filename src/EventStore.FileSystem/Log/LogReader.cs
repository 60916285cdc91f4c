namespace EventStore.FileSystem.Log;

/// <summary>
/// Reads published frames for one page. Its windows are never reused, so that what was answered can point into them; they grow while the reads
/// lie close together, and stay small while they are scattered.
/// </summary>
internal sealed class LogReader(Segments segments, long end, int firstBytes)
{
    private const int MaxWindowBytes = 256 << 10;
    private const int NearBytes = 16 << 10;
    private byte[] window = [];
    private long windowStart = -1;
    private int windowLength;
    private int nextBytes = firstBytes;
    private readonly int scatteredBytes = firstBytes;

    /// <summary>Reads the frame at an address, checking that it is whole.</summary>
    /// <exception cref="CorruptStorageException">It is not.</exception>
    public Frame Read(long position)
    {
        if (!Holds(position, Format.FrameHeaderLength)) Fill(position, nextBytes);
        if (!Holds(position, Format.FrameHeaderLength)) throw segments.Damaged(position, "the log ends in the middle of a stored frame.");
        var length = Format.FrameLength(At(position, Format.FrameHeaderLength).Span);
        if (length == 0 || length > end - position) throw segments.Damaged(position, "the length of a stored frame is impossible.");
        if (!Holds(position, length)) Fill(position, Math.Max(length, nextBytes));
        if (!Holds(position, length)) throw segments.Damaged(position, "the log ends in the middle of a stored frame.");
        var bytes = At(position, length);
        if (!Format.IsFrame(bytes.Span, position, segments.Seed)) throw segments.Damaged(position, "the checksum of a stored frame is wrong.");
        return new Frame(Format.ReadFrameHeader(bytes.Span, position), bytes);
    }

    /// <summary>The address of the frame after an address: the same, or the first one of the next segment.</summary>
    public long Settle(long position)
    {
        var segment = segments.Of(position);
        return position == segment.Base ? segment.FirstFrame : position;
    }

    private bool Holds(long position, int length) => position >= windowStart && position + length <= windowStart + windowLength;

    private ReadOnlyMemory<byte> At(long position, int length) => window.AsMemory((int)(position - windowStart), length);

    private void Fill(long position, int wanted)
    {
        var windowEnd = windowStart + windowLength;
        if (windowStart >= 0 && position >= windowStart && position - windowEnd < NearBytes) nextBytes = Math.Min(nextBytes * 4, MaxWindowBytes);
        else if (windowStart >= 0) nextBytes = scatteredBytes;
        var bytes = (int)Math.Min(Math.Max(wanted, nextBytes), end - position);
        if (bytes <= 0) throw segments.Damaged(position, "the place lies beyond what is published.");
        window = GC.AllocateUninitializedArray<byte>(bytes);
        windowStart = position;
        windowLength = segments.Read(segments.Of(position), window, position);
    }
}
