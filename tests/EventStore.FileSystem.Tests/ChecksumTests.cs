using System.Numerics;
using EventStore.FileSystem.Bytes;
using Xunit;

namespace EventStore.FileSystem.Tests;

public sealed class ChecksumTests
{
    [Fact]
    public void For_any_length_and_alignment_the_checksum_equals_the_one_computed_byte_by_byte()
    {
        var bytes = new byte[8_000];
        new Random(4711).NextBytes(bytes);
        for (var length = 0; length < bytes.Length - 8; length += length < 700 ? 1 : 101)
        {
            var part = bytes.AsSpan(length % 8, length);
            var expected = uint.MaxValue;
            foreach (var value in part) expected = BitOperations.Crc32C(expected, value);
            Assert.Equal(~expected, Crc32C.Of(part));
        }
    }

    [Fact]
    public void A_checksum_continues_from_the_one_of_the_preceding_bytes()
    {
        var bytes = new byte[1_000];
        new Random(4711).NextBytes(bytes);
        foreach (var middle in (int[])[0, 1, 95, 96, 97, 500, 1_000])
            Assert.Equal(Crc32C.Of(bytes), Crc32C.Of(bytes.AsSpan(middle), Crc32C.Of(bytes.AsSpan(0, middle))));
    }

    [Fact]
    public void The_checksum_of_a_known_text_is_the_known_one() => Assert.Equal(0xE3069283u, Crc32C.Of("123456789"u8));
}
