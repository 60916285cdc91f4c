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

    /// <summary>Ends the walk at the next frame.</summary>
    public CancellationToken Cancellation { get; init; }

    /// <summary>Discards what was read ahead, because it may have been written since.</summary>
    public void Renew() => windowLength = 0;

    /// <summary>Reads the next frame; false if there is no whole frame that continues the chain.</summary>
    /// <exception cref="CorruptStorageException">There is one, but its content is impossible.</exception>
    /// <param name="frame">Valid until the next call.</param>
    /// <param name="end">Frames from here on are not read.</param>
    public bool TryNext(out Frame frame, long end = long.MaxValue)
    {
        frame = default;
        limit = end;
        if (Position >= end) return false;
        Cancellation.ThrowIfCancellationRequested();
        var segment = segments.Of(Position);
        if (Position == segment.Base) Position = segment.FirstFrame;
        if (Position >= end || !TryReadAt(segment, Position, out frame) || frame.PreviousCrc != Chain) return false;
        FrameCheck.Require(frame);
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
        if (length >= LongFrame.LeastBytes && !IsWhole(segment, at, length))
        {
            Renew();
            if (!Ensure(segment, at, Format.FrameHeaderLength)) return false;
            length = Format.FrameLength(At(at, Format.FrameHeaderLength));
            if (length >= LongFrame.LeastBytes) return false;
        }

        if (length == 0 || !Ensure(segment, at, length)) return false;

        // Its segment may have been replaced since its head was read: it is a shorter gap then.
        length = Math.Min(length, Format.FrameLength(At(at, Format.FrameHeaderLength)));
        if (length == 0) return false;
        var bytes = At(at, length);
        if (!Format.IsFrame(bytes, at, segments.Seed)) return false;
        frame = new Frame(at, bytes, segments);
        return !frame.IsReplacement || HoldsByte(segment, frame.End - 1);
    }

    // Apart, so that only long frames cost a closure.
    private bool IsWhole(Segment segment, long at, int length) =>
        LongFrame.IsWhole(at, length, segments.Seed, (into, position) => segments.Read(segment, into, position));

    private bool HoldsByte(Segment segment, long at)
    {
        Span<byte> one = stackalloc byte[1];
        return segments.Read(segment, one, at) > 0;
    }

    private ReadOnlySpan<byte> At(long at, int length) => window.AsSpan((int)(at - windowStart), length);

    private bool Ensure(Segment segment, long at, int length)
    {
        if (segment == windowSegment && at >= windowStart && at + length <= windowStart + windowLength) return true;
        if (window.Length < length)
        {
            // A damaged length must not cause a large allocation: check first that the file has that many bytes.
            if (!HoldsByte(segment, at + length - 1)) return false;
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
