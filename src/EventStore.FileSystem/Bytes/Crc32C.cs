using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace EventStore.FileSystem.Bytes;

/// <summary>CRC-32C (Castagnoli), continued from a value: <c>Of(b, Of(a))</c> is that of a and b together.</summary>
internal static class Crc32C
{
    // Below, one lane is as fast; above, lanes end here so that the table stays small.
    private const int LeastBytesInLanes = 96;
    private const int MostBytesOfLane = 1024;

    // At n the factor that carries a checksum over 8n bytes of zeros, short of the 33 bits that multiplying and reducing add.
    private static readonly uint[] ZerosAfter = MakeZerosAfter();

    public static uint Of(ReadOnlySpan<byte> bytes, uint before = 0)
    {
        var crc = ~before;
        while (bytes.Length >= LeastBytesInLanes && Pclmulqdq.IsSupported)
        {
            var lane = Math.Min(bytes.Length / 24 * 8, MostBytesOfLane);
            crc = InLanes(bytes, lane, crc);
            bytes = bytes[(3 * lane)..];
        }

        foreach (var word in MemoryMarshal.Cast<byte, ulong>(bytes)) crc = BitOperations.Crc32C(crc, AsLittleEndian(word));
        foreach (var value in bytes[(bytes.Length & ~7)..]) crc = BitOperations.Crc32C(crc, value);
        return ~crc;
    }

    public static uint Of(ulong value, uint before) => ~BitOperations.Crc32C(~before, value);

    // Each step of the processor's instruction waits for the one before it: three independent lanes fill the time. Then the checksum of
    // the first is carried over the two lanes after it, that of the second over one.
    private static uint InLanes(ReadOnlySpan<byte> bytes, int lane, uint first)
    {
        uint second = 0, third = 0;
        ref var start = ref MemoryMarshal.GetReference(bytes);
        for (nint at = 0; at < lane; at += 8)
        {
            first = BitOperations.Crc32C(first, Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref start, at)));
            second = BitOperations.Crc32C(second, Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref start, at + lane)));
            third = BitOperations.Crc32C(third, Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref start, at + lane + lane)));
        }

        return BitOperations.Crc32C(0, Times(first, ZerosAfter[lane / 4]) ^ Times(second, ZerosAfter[lane / 8])) ^ third;
    }

    private static ulong Times(uint left, uint right) =>
        Pclmulqdq.CarrylessMultiply(Vector128.CreateScalar((ulong)left), Vector128.CreateScalar((ulong)right), 0).ToScalar();

    private static ulong AsLittleEndian(ulong word) =>
        BitConverter.IsLittleEndian ? word : System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(word);

    private static uint[] MakeZerosAfter()
    {
        var factors = new uint[(2 * MostBytesOfLane / 8) + 1];
        factors[1] = 1;
        for (var i = 2; i < factors.Length; i++) factors[i] = BitOperations.Crc32C(factors[i - 1], 0UL);
        return factors;
    }
}
