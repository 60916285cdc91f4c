using EventStore.FileSystem.Bytes;

namespace EventStore.FileSystem.Segments;

/// <summary>
/// Walks the log frame by frame, across segments, checking every checksum and the chain. For recovery, rebuilding and verifying.
/// </summary>
internal sealed class LogScanner(LogSegments segments, long position, uint chain)
{
    private const int FirstWindowBytes = 4 << 10;
    private const int MaxWindowBytes = 128 << 10;
    private byte[] window = new byte[FirstWindowBytes];
    private long windowStart;
    private int windowLength;
    private Segment? windowSegment;
    private long limit = long.MaxValue;

    /// <summary>Where the next frame is expected.</summary>
    public long Position { get; private set; } = position;

    /// <summary>The checksum of the last frame.</summary>
    public uint Chain { get; private set; } = chain;

    /// <summary>Discards what was read ahead, because it may have been written since.</summary>
    public void Renew() => windowLength = 0;

    /// <summary>Reads the next frame; false if there is no whole frame that continues the chain.</summary>
    /// <param name="frame">Valid until the next call.</param>
    /// <param name="end">Frames from here on are not read.</param>
    public bool TryNext(out Frame frame, long end = long.MaxValue)
    {
        frame = default;
        limit = end;
        if (Position >= end) return false;
        var segment = segments.Of(Position);
        if (Position == segment.Base) Position = segment.FirstFrame;
        if (Position >= end || !TryReadAt(segment, Position, out frame) || frame.PreviousCrc != Chain) return false;
        Position = frame.End;
        Chain = frame.Chain;
        return true;
    }

    /// <summary>Reads a whole frame at an address, whatever the chain says.</summary>
    public bool TryReadAt(Segment segment, long at, out Frame frame)
    {
        frame = default;
        if (!Ensure(segment, at, Format.FrameHeaderLength)) return false;
        var length = Format.FrameLength(At(at, Format.FrameHeaderLength));
        if (length == 0 || !Ensure(segment, at, length)) return false;

        // Its segment may have been replaced since its head was read: it is a shorter gap then.
        length = Math.Min(length, Format.FrameLength(At(at, Format.FrameHeaderLength)));
        if (length == 0) return false;
        var bytes = At(at, length);
        if (!Format.IsFrame(bytes, at, segments.Seed)) return false;
        frame = new Frame(at, bytes);
        return true;
    }

    private ReadOnlySpan<byte> At(long at, int length) => window.AsSpan((int)(at - windowStart), length);

    private bool Ensure(Segment segment, long at, int length)
    {
        if (segment == windowSegment && at >= windowStart && at + length <= windowStart + windowLength) return true;
        if (window.Length < length)
        {
            // A damaged length must not cause a huge allocation: check first that the file has that many bytes.
            Span<byte> last = stackalloc byte[1];
            if (segments.Read(segment, last, at + length - 1) == 0) return false;
            window = new byte[length];
        }
        else if (windowLength == window.Length && window.Length < MaxWindowBytes)
        {
            // The last read filled the window, so more is expected.
            window = new byte[window.Length * 4];
        }

        windowSegment = segment;
        windowStart = at;
        windowLength = segments.Read(segment, window.AsSpan(0, (int)Math.Clamp(limit - at, length, window.Length)), at);
        return windowLength >= length;
    }
}
