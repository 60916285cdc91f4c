using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Log;

/// <summary>
/// Reads published frames through one reused window: a frame is valid until the next one is read. The window grows while the
/// reads are close together and stays small while they are scattered. Used by one thread at a time.
/// </summary>
internal sealed class LogReader(LogSegments segments, FrameCache? cache)
{
    private const int LargestWindowBytes = 32 << 10;
    private const int FirstWindowBytes = 4 << 10;
    private const int SmallestReadBytes = 512;

    // What a damaged length may allocate before its frame is checked.
    private const int MostUncheckedBytes = 32 << 20;

    // Beyond a gap as large as this, reading through it costs more than a new read.
    private const int NearBytes = 2 << 10;

    private byte[] window = [];
    private long windowStart;
    private int windowLength;
    private int nextBytes = FirstWindowBytes;
    private int likelyBytes = SmallestReadBytes;
    private int aheadBytes;

    // The published part of the log, as of the last renewal.
    private IReadOnlyList<Segment> known = [];
    private int replacements;
    private long end;
    private Segment? segment;
    private long segmentEnd;

    /// <summary>The commit at which a replay that used this reader continues; 0 for none.</summary>
    public (long Checkpoint, long Position) Resumes { get; private set; }

    /// <summary>Renews what this reader knows of the log: its segments, and how far it may be read.</summary>
    public void Renew(long publishedEnd)
    {
        end = publishedEnd;
        if (segments.All == known && segments.Replacements == replacements) return;
        (known, replacements, segment, segmentEnd, windowLength) = (segments.All, segments.Replacements, null, 0, 0);
    }

    /// <summary>Records the commit at which the replay continues, so that it finds this reader again.</summary>
    public void LeaveAt(long checkpoint, long position) => Resumes = (checkpoint, position);

    /// <summary>Sets how many bytes the next read fetches.</summary>
    public void LookAhead(int bytes) => aheadBytes = Math.Min(bytes, LargestWindowBytes);

    /// <summary>Reads the frame at an address, checking that it is whole.</summary>
    /// <exception cref="CorruptStorageException">It is not whole.</exception>
    public Frame Read(long position)
    {
        if (cache is not null && cache.Find(position, replacements) is { IsEmpty: false } held)
            return new Frame(position, held, segments);
        if (!Holds(position, Format.FrameHeaderLength)) Fill(position, Format.FrameHeaderLength);
        var length = Format.FrameLength(At(position, Format.FrameHeaderLength));
        if (length == 0 || length > end - position) throw segments.Damaged(position, "the length of a stored frame is impossible.");
        if (!Holds(position, length))
        {
            // Its segment may have been replaced since its head was read: it is a shorter gap then.
            if (length > MostUncheckedBytes && !LongFrame.IsWhole(position, length, segments.Seed, ReadPiece))
            {
                Fill(position, Format.FrameHeaderLength);
                length = Format.FrameLength(At(position, Format.FrameHeaderLength));
                if (length > MostUncheckedBytes) throw segments.Damaged(position, "a stored frame is not whole.");
            }

            Fill(position, length);
            length = Math.Min(length, Format.FrameLength(At(position, Format.FrameHeaderLength)));
        }

        var frame = At(position, length);
        if (length == 0 || !Format.IsFrame(frame, position, segments.Seed))
            throw segments.Damaged(position, "a stored frame is not whole.");
        likelyBytes = length;
        cache?.Note(position, replacements, frame);
        return new Frame(position, frame, segments);
    }

    /// <summary>Returns the address of the next frame: the same address, or the first frame of the next segment.</summary>
    public long Settle(long position)
    {
        var entered = Enter(position);
        return position == entered.Base ? entered.FirstFrame : position;
    }

    private int ReadPiece(Span<byte> into, long position) => segments.Read(Enter(position), into, position);

    private Segment Enter(long position)
    {
        if (segment is not null && position >= segment.Base && position < segmentEnd) return segment;
        return segment = segments.Of(position, out segmentEnd);
    }

    private bool Holds(long position, int length) => position >= windowStart && position + length <= windowStart + windowLength;

    private ReadOnlySpan<byte> At(long position, int length) => window.AsSpan((int)(position - windowStart), length);

    private void Fill(long position, int wanted)
    {
        var windowEnd = windowStart + windowLength;
        var isNear = windowLength > 0 && position >= windowStart && position - windowEnd < NearBytes;
        nextBytes = aheadBytes > 0 ? aheadBytes : isNear ? Math.Min(nextBytes * 4, LargestWindowBytes) : Math.Clamp(
            likelyBytes + (likelyBytes / 4), SmallestReadBytes, FirstWindowBytes);
        aheadBytes = 0;
        var bytes = Math.Min(Math.Max(wanted, nextBytes), end - position); // an address of a damaged index may be far behind the end
        if (bytes < wanted) throw segments.Damaged(position, "the place lies beyond what is published.");
        if (wanted > LargestWindowBytes) RequireHeld(position + wanted - 1, position);
        if (window.Length < bytes || window.Length > LargestWindowBytes)
            window = GC.AllocateUninitializedArray<byte>((int)Math.Max(bytes, FirstWindowBytes));
        windowStart = position;
        windowLength = segments.Read(Enter(position), window.AsSpan(0, (int)bytes), position);
        if (windowLength < wanted) throw segments.Damaged(position, "the log ends in the middle of a stored frame.");
    }

    // A damaged length must not cause a huge allocation.
    private void RequireHeld(long last, long position)
    {
        Span<byte> one = stackalloc byte[1];
        if (segments.Read(Enter(position), one, last) == 0)
            throw segments.Damaged(position, "the log ends in the middle of a stored frame.");
    }
}
