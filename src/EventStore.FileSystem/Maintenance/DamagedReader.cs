using EventStore.FileSystem.Bytes;

namespace EventStore.FileSystem.Maintenance;

/// <summary>Reads the frames of a damaged segment that are whole. Bytes that cannot be read count as zeros.</summary>
internal sealed class DamagedReader(DamagedSegment segment, ulong storeSeed)
{
    private const int WindowBytes = 1 << 20;
    private const int PieceBytes = 4096;
    private byte[] window = [];
    private long windowStart;

    /// <summary>Reads the frame at an address, if there is a whole one.</summary>
    /// <param name="at">The address.</param>
    /// <param name="leastCheckpoint">A frame of an earlier checkpoint does not belong here.</param>
    /// <param name="frame">Valid until the next call.</param>
    public bool TryRead(long at, long leastCheckpoint, out Frame frame)
    {
        frame = default;
        if (!Ensure(at, Format.FrameHeaderLength)) return false;

        // Cheap checks first; the checksum of what may be megabytes comes last.
        var head = new Frame(at, At(at, Format.FrameHeaderLength));
        if (head.Kind is < FrameKind.Commit or > FrameKind.Gap || head.Checkpoint < leastCheckpoint) return false;
        var length = Format.FrameLength(At(at, Format.FrameHeaderLength));
        if (length == 0 || length > segment.End - at || !Ensure(at, length) || !Format.IsFrame(At(at, length), at, storeSeed)) return false;
        frame = new Frame(at, At(at, length));
        return frame.End <= segment.End;
    }

    private ReadOnlySpan<byte> At(long at, int length) => window.AsSpan((int)(at - windowStart), length);

    private bool Ensure(long at, int length)
    {
        if (segment.File is null || at + length > segment.Base + segment.File.Length) return false;
        if (at >= windowStart && at + length <= windowStart + window.Length) return true;
        window = new byte[Math.Min(Math.Max(length, WindowBytes), segment.Base + segment.File.Length - at)];
        windowStart = at;
        if (TryFill(window, at)) return true;
        for (var offset = 0; offset < window.Length;)
        {
            // Pieces end where blocks of the file do.
            var piece = window.AsSpan(
                offset, (int)Math.Min(PieceBytes - ((at - segment.Base + offset) % PieceBytes), window.Length - offset));
            if (!TryFill(piece, at + offset)) piece.Clear();
            offset += piece.Length;
        }

        return true;
    }

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
