using System.Buffers.Binary;
using System.Numerics;

namespace EventStore.FileSystem.Log;

/// <summary>CRC-32C (Castagnoli), continued from a value: <c>Of(b, Of(a))</c> is that of a and b together.</summary>
internal static class Crc32C
{
    public static uint Of(ReadOnlySpan<byte> bytes, uint before = 0)
    {
        var crc = ~before;
        while (bytes.Length >= 8)
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[8..];
        }

        foreach (var value in bytes) crc = BitOperations.Crc32C(crc, value);
        return ~crc;
    }

    public static uint Of(ulong value, uint before) => ~BitOperations.Crc32C(~before, value);
}
