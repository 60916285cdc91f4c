using System.Buffers.Binary;
using System.IO.Compression;

namespace EventStore.FileSystem.Bytes;

/// <summary>Encodes and decodes the blocks of a packed segment, each independently.</summary>
internal static class BlockCodec
{
    // The quality at which packing keeps up with a fast writer; those above take several times as long for a few percent.
    private const int BrotliQuality = 1;
    private const int BrotliWindowBits = 18;
    private const int MinZeros = 16;
    private const int RunLength = 8;

    /// <summary>Encodes a block in the way that takes the least space; returns what is to be stored.</summary>
    /// <param name="block">The block.</param>
    /// <param name="compresses">Whether to compress; otherwise only zeros are left out.</param>
    /// <param name="into">Room for the result, at least as long as the block.</param>
    /// <param name="coding">How it is stored.</param>
    public static ReadOnlySpan<byte> Encode(ReadOnlySpan<byte> block, bool compresses, Span<byte> into, out BlockCoding coding)
    {
        coding = BlockCoding.Zeros;
        if (!block.ContainsAnyExcept((byte)0)) return default;
        coding = BlockCoding.Brotli;
        if (compresses && BrotliEncoder.TryCompress(block, into[..block.Length], out var length, BrotliQuality, BrotliWindowBits)
            && length < block.Length)
            return into[..length];
        coding = BlockCoding.Runs;
        if (!compresses && TryEncodeRuns(block, into[..block.Length], out length)) return into[..length];
        coding = BlockCoding.Plain;
        return block;
    }

    /// <summary>Decodes a block; false if it is damaged.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> stored, BlockCoding coding, Span<byte> into)
    {
        switch (coding)
        {
            case BlockCoding.Zeros:
                into.Clear();
                return stored.IsEmpty;
            case BlockCoding.Plain:
                return stored.Length == into.Length && stored.TryCopyTo(into);
            case BlockCoding.Runs:
                return TryDecodeRuns(stored, into);
            case BlockCoding.Brotli:
                return BrotliDecoder.TryDecompress(stored, into, out var length) && length == into.Length;
            default:
                return false;
        }
    }

    // Repeated: zeros before a part (u32), its length (u32), the part. The rest of the block is zeros.
    private static bool TryEncodeRuns(ReadOnlySpan<byte> block, Span<byte> into, out int length)
    {
        length = 0;
        for (var at = 0; ;)
        {
            var zeros = block[at..].IndexOfAnyExcept((byte)0);
            if (zeros < 0) return length < block.Length;
            var start = at + zeros;
            var end = start + LengthOfPart(block[start..]);
            if (length + RunLength + end - start >= into.Length) return false;
            BinaryPrimitives.WriteInt32LittleEndian(into[length..], zeros);
            BinaryPrimitives.WriteInt32LittleEndian(into[(length + 4)..], end - start);
            block[start..end].CopyTo(into[(length + RunLength)..]);
            length += RunLength + end - start;
            at = end;
        }
    }

    private static int LengthOfPart(ReadOnlySpan<byte> from)
    {
        ReadOnlySpan<byte> zeros = stackalloc byte[MinZeros];
        var end = from.IndexOf(zeros);
        return end < 0 ? from.Length : end;
    }

    private static bool TryDecodeRuns(ReadOnlySpan<byte> stored, Span<byte> into)
    {
        into.Clear();
        for (var at = 0; stored.Length > 0;)
        {
            if (stored.Length < RunLength) return false;
            var (zeros, part) = (BinaryPrimitives.ReadUInt32LittleEndian(stored), BinaryPrimitives.ReadUInt32LittleEndian(stored[4..]));
            stored = stored[RunLength..];
            if (zeros > into.Length - at || part > stored.Length || part > into.Length - at - zeros) return false;
            at += (int)zeros;
            stored[..(int)part].CopyTo(into[at..]);
            at += (int)part;
            stored = stored[(int)part..];
        }

        return true;
    }
}
