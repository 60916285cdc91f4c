using System.Buffers.Binary;
using System.Numerics;

namespace EventStore.Benchmarks;

/// <summary>
/// The floor of every replay: the files of the log read into one buffer, their frames walked and their checksums computed.
/// Nothing is made of them.
/// </summary>
internal static class BareLog
{
    private const int SegmentHeaderLength = 4096;
    private const int FrameHeaderLength = 32;

    /// <summary>Returns how many events the commits in the log hold.</summary>
    public static long CountEvents(string storeDirectory)
    {
        long events = 0;
        uint checksums = 0;
        var buffer = new byte[1 << 20];
        foreach (var path in Directory.EnumerateFiles(Path.Combine(storeDirectory, "log"), "*.seg").Order(StringComparer.Ordinal))
        {
            using var file = File.OpenHandle(path, options: FileOptions.SequentialScan);
            for (long offset = SegmentHeaderLength; ;)
            {
                var read = buffer.AsSpan(0, RandomAccess.Read(file, buffer, offset));
                var used = Walk(read, ref events, ref checksums);
                if (used == 0) break;
                offset += used;
            }
        }

        return checksums == 1 ? 0 : events;
    }

    private static int Walk(ReadOnlySpan<byte> from, ref long events, ref uint checksums)
    {
        var used = 0;
        while (from.Length - used >= FrameHeaderLength)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(from[used..]);
            if (length < FrameHeaderLength || length > from.Length - used) break;
            var frame = from.Slice(used, length);
            var crc = uint.MaxValue;
            for (var at = 8; at < length; at += 8) crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(frame[at..]));
            checksums ^= crc;
            if (frame[8] == 1) events += BinaryPrimitives.ReadUInt16LittleEndian(frame[10..]);
            used += length;
        }

        return used;
    }
}
