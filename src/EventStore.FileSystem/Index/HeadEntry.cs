using EventStore.FileSystem.Log;

namespace EventStore.FileSystem.Index;

/// <summary>What the index knows of a stream.</summary>
/// <param name="Start">The address of its first commit; 0 for a deleted stream.</param>
/// <param name="Revision">Its revision.</param>
/// <param name="Sequence">The number of its newest commit.</param>
internal readonly record struct HeadEntry(long Start, long Revision, long Sequence)
{
    public const int MaxValueLength = 3 * Varint.MaxLength;

    public bool Exists => Start > 0;

    public static HeadEntry Read(ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty) return default;
        var reader = new BodyReader(value);
        return new HeadEntry(reader.Number(), reader.Number(), reader.Number());
    }

    public byte[] ToValue()
    {
        Span<byte> into = stackalloc byte[MaxValueLength];
        return into[..WriteValue(into)].ToArray();
    }

    /// <summary>Writes the value; answers its length, 0 for a stream that is gone.</summary>
    public int WriteValue(Span<byte> into)
    {
        if (!Exists) return 0;
        var length = Varint.Write(into, Start);
        length += Varint.Write(into[length..], Revision);
        return length + Varint.Write(into[length..], Sequence);
    }
}

/// <summary>Numbers in as few bytes as they need, seven bits in each.</summary>
internal static class Varint
{
    public const int MaxLength = 10;

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
        Span<byte> into = stackalloc byte[10];
        return into[..Write(into, value)].ToArray();
    }

    public static long Read(ReadOnlySpan<byte> from, ref int offset)
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var part = from[offset++];
            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80) break;
        }

        return (long)value;
    }

    public static long Read(ReadOnlySpan<byte> from)
    {
        var offset = 0;
        return Read(from, ref offset);
    }
}
