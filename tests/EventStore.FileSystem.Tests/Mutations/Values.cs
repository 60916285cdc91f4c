using System.Buffers.Binary;

namespace EventStore.FileSystem.Tests.Mutations;

/// <summary>Numbers that no store writes.</summary>
internal static class Values
{
    private static readonly long[] Absurd =
    [
        0, 1, -1, 2, 7, 8, 64, 127, 128, 255, 256, 4095, 4096, ushort.MaxValue, int.MaxValue, 1L << 31, uint.MaxValue, 1L << 32, 1L << 40,
        1L << 47, 1L << 48, 1L << 51, 1L << 59, 1L << 60, 1L << 61, 1L << 62, long.MaxValue, long.MinValue, long.MaxValue - 1,
    ];

    /// <summary>An absurd number, or one near the right one.</summary>
    public static long Draw(Random random, long right) => random.Next(8) switch
    {
        0 => unchecked(right + 1),
        1 => unchecked(right - 1),
        2 => unchecked(right + random.Next(-4096, 4096)),
        3 => random.NextInt64(long.MinValue, long.MaxValue),
        _ => Absurd[random.Next(Absurd.Length)],
    };

    /// <summary>Puts another number into a field. Returns the number.</summary>
    public static long Set(Random random, Span<byte> field)
    {
        Span<byte> number = stackalloc byte[8];
        number.Clear();
        field.CopyTo(number);
        var value = Draw(random, BinaryPrimitives.ReadInt64LittleEndian(number));
        BinaryPrimitives.WriteInt64LittleEndian(number, value);
        number[..field.Length].CopyTo(field);
        return value;
    }

    public static byte[] Bytes(Random random, int length)
    {
        var bytes = new byte[length];
        if (random.Next(4) > 0) random.NextBytes(bytes);
        return bytes;
    }

    /// <summary>Changes bytes somewhere: a bit, a few bytes at random, or a part cleared.</summary>
    public static void Strike(Random random, Span<byte> bytes)
    {
        if (bytes.IsEmpty) return;
        var part = bytes[random.Next(bytes.Length)..];
        part = part[..Math.Min(part.Length, 1 << random.Next(6))];
        switch (random.Next(4))
        {
            case 0: part[0] ^= (byte)(1 << random.Next(8)); break;
            case 1: part.Clear(); break;
            case 2: part.Fill(0xFF); break;
            default: random.NextBytes(part); break;
        }
    }
}
