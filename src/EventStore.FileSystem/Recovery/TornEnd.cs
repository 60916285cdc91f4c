using System.Buffers.Binary;
using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;

namespace EventStore.FileSystem.Recovery;

/// <summary>
/// What follows the end of the log in its last file. Read in windows, and no more than a few times: a damaged file may be of any length and
/// content.
/// </summary>
/// <param name="file">The file.</param>
/// <param name="segmentBase">The address of its first byte.</param>
/// <param name="end">The address at which the log ends.</param>
/// <param name="length">How many bytes follow.</param>
internal sealed class TornEnd(IDiskFile file, long segmentBase, long end, long length)
{
    private const int WindowBytes = 1 << 20;
    private const int MostReadings = 16;
    private readonly byte[] checking = new byte[64 << 10];

    /// <summary>The length of a file without the zeros at its end; not less than a start.</summary>
    public static long LengthWithoutZeros(IDiskFile file, long start, CancellationToken cancellationToken)
    {
        var length = file.Length;
        var window = new byte[(int)Math.Clamp(length - start, 0, WindowBytes)];
        while (length > start)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var part = window.AsSpan(0, (int)Math.Min(window.Length, length - start));
            part = part[..file.Read(part, length - part.Length)];
            var used = part.LastIndexOfAnyExcept((byte)0) + 1;
            if (used > 0) return length - part.Length + used;
            if (part.IsEmpty) break;
            length -= part.Length;
        }

        return start;
    }

    /// <summary>Copies a part of a file to the beginning of another one. Zeros take no space there.</summary>
    public static void Copy((IDiskFile File, long Start) from, long bytes, IDiskFile into, CancellationToken cancellationToken)
    {
        var window = new byte[(int)Math.Min(bytes, WindowBytes)];
        for (var at = 0L; at < bytes;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var read = from.File.Read(window.AsSpan(0, (int)Math.Min(window.Length, bytes - at)), from.Start + at);
            if (read == 0) break;
            if (window.AsSpan(0, read).ContainsAnyExcept((byte)0)) into.Write(window.AsSpan(0, read), at);
            at += read;
        }

        into.SetLength(bytes);
    }

    /// <summary>
    /// How far the log was durable, as whole frames in here say; 0 if there are none. Null if there are so many beginnings of frames that
    /// checking them would read everything many times, which no log leaves behind.
    /// </summary>
    public long? FindDurableEnd(ulong seed, CancellationToken cancellationToken)
    {
        var (found, budget) = (0L, (length * MostReadings) + WindowBytes);
        var window = new byte[(int)Math.Min(length, WindowBytes)];
        var (windowStart, windowLength) = (0L, 0);
        for (var offset = 0L; offset + Format.FrameHeaderLength <= length;)
        {
            if (offset + Format.FrameHeaderLength > windowStart + windowLength)
            {
                cancellationToken.ThrowIfCancellationRequested();
                windowStart = offset;
                windowLength = file.Read(
                    window.AsSpan(0, (int)Math.Min(window.Length, length - offset)), end + offset - segmentBase);
                if (windowLength < Format.FrameHeaderLength) break;
            }

            var head = window.AsSpan((int)(offset - windowStart), Format.FrameHeaderLength);
            var frameLength = Format.FrameLength(head);
            if (frameLength == 0 || frameLength > length - offset)
            {
                offset += 8;
                continue;
            }

            cancellationToken.ThrowIfCancellationRequested();
            budget -= frameLength;
            if (budget < 0) return null;
            if (!IsWhole(offset, frameLength, BinaryPrimitives.ReadUInt32LittleEndian(head[4..]), seed))
            {
                offset += 8;
                continue;
            }

            found = Math.Max(found, new Frame(end + offset, head).DurableEnd);
            if (found > end) return found;
            offset += frameLength;
        }

        return found;
    }

    private bool IsWhole(long offset, long frameLength, uint expected, ulong seed)
    {
        var crc = Format.BeginFrameCrc(frameLength, end + offset, seed);
        for (var at = 8L; at < frameLength;)
        {
            var part = checking.AsSpan(0, (int)Math.Min(checking.Length, frameLength - at));
            if (file.Read(part, end + offset + at - segmentBase) != part.Length) return false;
            crc = Crc32C.Of(part, crc);
            at += part.Length;
        }

        return crc == expected;
    }
}
