using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.Intrinsics.X86;

namespace EventStore.FileSystem.Bytes;

/// <summary>
/// Numbers in as few bytes as they need, seven bits in each, the lowest first; all but the last have their highest bit set.
/// </summary>
internal static class Varint
{
    public const int MaxLength = 10;

    private const ulong Marks = 0x8080808080808080;

    public static int Write(Span<byte> into, long value)
    {
        var rest = (ulong)value;
        var used = 0;
        while (rest >= 0x80)
        {
            into[used++] = (byte)(rest | 0x80);
            rest >>= 7;
        }

        into[used++] = (byte)rest;
        return used;
    }

    public static byte[] Of(long value)
    {
        Span<byte> into = stackalloc byte[MaxLength];
        return into[..Write(into, value)].ToArray();
    }

    public static long Read(ReadOnlySpan<byte> from) => Read(from, 0).Value;

    public static long Read(ReadOnlySpan<byte> from, ref int offset)
    {
        if (from[offset] < 0x80) return from[offset++];
        (var value, offset) = Read(from, offset);
        return value;
    }

    /// <summary>Reads a number and where it ends; false if the bytes end before it does, or it has too many of them.</summary>
    public static bool TryRead(ReadOnlySpan<byte> from, int offset, out long value, out int end)
    {
        (value, end) = (0, offset);
        var bytes = from[offset..Math.Min(from.Length, offset + MaxLength)];
        if (bytes.IndexOfAnyInRange((byte)0, (byte)0x7F) < 0) return false;
        (value, end) = Read(from, offset);
        return true;
    }

    /// <summary>Reads a number; returns it and where it ends.</summary>
    public static (long Value, int End) Read(ReadOnlySpan<byte> from, int offset)
    {
        if (Bmi2.X64.IsSupported && from.Length - offset >= sizeof(ulong))
        {
            // One instruction extracts the seven bits of every byte.
            var word = BinaryPrimitives.ReadUInt64LittleEndian(from[offset..]);
            var bits = BitOperations.TrailingZeroCount(~word & Marks) + 1;
            if (bits < 64) return ((long)Bmi2.X64.ParallelBitExtract(word & ((1UL << bits) - 1), ~Marks), offset + (bits / 8));
        }

        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var part = from[offset++];
            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80) break;
        }

        return ((long)value, offset);
    }
}
