using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Maintenance;

/// <summary>Reads the frames of a damaged segment that are whole. Bytes that cannot be read count as zeros.</summary>
internal sealed class DamagedReader(DamagedSegment segment, ulong storeSeed) : IFrameSource
{
    private const int WindowBytes = 1 << 20;
    private const int PieceBytes = 4096;

    // How often everything may be read. Beginnings of frames that claim more than that are no part of a log.
    private const int MostReadings = 16;
    private long budget = ((segment.File?.Length ?? 0) * MostReadings) + WindowBytes;
    private byte[] buffer = [];
    private int windowLength;
    private long windowStart;

    private Span<byte> Window => buffer.AsSpan(0, windowLength);

    /// <summary>Reads the frame at an address, if there is a whole one.</summary>
    /// <param name="at">The address.</param>
    /// <param name="least">A frame of an earlier checkpoint does not belong here.</param>
    /// <param name="most">A frame of a later one does not, either.</param>
    /// <param name="frame">Valid until the next call.</param>
    public bool TryRead(long at, long least, long most, out Frame frame)
    {
        frame = default;
        if (!Ensure(at, Format.FrameHeaderLength)) return false;

        // Cheap checks first; the checksum of what may be megabytes comes last.
        var head = new Frame(at, At(at, Format.FrameHeaderLength));
        if (head.Kind is < FrameKind.Commit or > FrameKind.Skip || head.Checkpoint < least || head.Checkpoint > most) return false;
        var length = Format.FrameLength(At(at, Format.FrameHeaderLength));
        if (length == 0 || length > segment.End - at || (budget -= length) < 0) return false;
        if (length >= LongFrame.LeastBytes && !LongFrame.IsWhole(at, length, storeSeed, ReadPiece)) return false;
        if (!Ensure(at, length) || !Format.IsFrame(At(at, length), at, storeSeed)) return false;
        frame = new Frame(at, At(at, length), this);
        return frame.End <= segment.End && IsPossible(frame);
    }

    /// <summary>
    /// Where the next frame may begin: behind an address, and behind the zeros that follow it. The end if there is nothing.
    /// </summary>
    public long After(long at)
    {
        at += 8;
        if (segment.File is null || at >= segment.Base + segment.File.Length) return segment.End;
        if (at < windowStart || at >= windowStart + windowLength) return at;
        var rest = Window[(int)(at - windowStart)..];
        var zeros = rest.IndexOfAnyExcept((byte)0);
        return at + ((zeros < 0 ? rest.Length : zeros) & ~7);
    }

    /// <inheritdoc/>
    public CorruptStorageException Damaged(long position, string problem) =>
        new(LogSegments.PathOf(segment.Number), problem, SegmentFile.Advice);

    private static bool IsPossible(in Frame frame)
    {
        try
        {
            FrameCheck.Require(frame);
            return true;
        }
        catch (CorruptStorageException)
        {
            return false;
        }
    }

    private ReadOnlySpan<byte> At(long at, int length) => Window.Slice((int)(at - windowStart), length);

    private bool Ensure(long at, int length)
    {
        if (segment.File is null || at + length > segment.Base + segment.File.Length) return false;
        if (at >= windowStart && at + length <= windowStart + windowLength) return true;
        windowLength = (int)Math.Min(Math.Max(length, WindowBytes), segment.Base + segment.File.Length - at);
        if (buffer.Length < windowLength) buffer = new byte[windowLength];
        var window = Window;
        windowStart = at;
        if (TryFill(window, at)) return true;
        for (var offset = 0; offset < window.Length;)
        {
            // Pieces end where blocks of the file do.
            var piece = window.Slice(
                offset, (int)Math.Min(PieceBytes - ((at - segment.Base + offset) % PieceBytes), window.Length - offset));
            if (!TryFill(piece, at + offset)) piece.Clear();
            offset += piece.Length;
        }

        return true;
    }

    private int ReadPiece(Span<byte> into, long at) =>
        segment.File is { } file && at + into.Length <= segment.Base + file.Length && TryFill(into, at) ? into.Length : 0;

    private bool TryFill(Span<byte> into, long at)
    {
        try
        {
            return segment.File!.Read(into, at - segment.Base) == into.Length;
        }
        catch (Exception error) when (error is IOException or CorruptStorageException)
        {
            return false;
        }
    }
}
