using System.Buffers.Binary;

namespace EventStore.FileSystem.Bytes;

/// <summary>Checks a frame that claims many bytes before they are held in memory: a claim alone allocates nothing.</summary>
internal static class LongFrame
{
    /// <summary>From so many bytes on, a walk checks first. A reader by the index begins later: what it reads is seldom damaged.</summary>
    public const int LeastBytes = 4 << 20;

    private const int PieceBytes = 16 << 10;

    /// <summary>Whether all bytes of a frame are there and its checksum fits them.</summary>
    /// <param name="position">Its address.</param>
    /// <param name="length">The length that it claims.</param>
    /// <param name="storeSeed">The seed of the store's checksums.</param>
    /// <param name="read">Reads from an address on; returns the number of bytes read.</param>
    public static bool IsWhole(long position, int length, ulong storeSeed, Func<Span<byte>, long, int> read)
    {
        Span<byte> buffer = stackalloc byte[PieceBytes];
        var (claimed, sum) = (0u, Format.BeginFrameCrc(length, position, storeSeed));
        for (var at = 0; at < length; at += PieceBytes)
        {
            var piece = buffer[..Math.Min(PieceBytes, length - at)];
            if (read(piece, position + at) != piece.Length) return false;
            if (at == 0) claimed = BinaryPrimitives.ReadUInt32LittleEndian(piece[4..]);
            sum = Crc32C.Of(at == 0 ? piece[8..] : piece, sum);
        }

        return sum == claimed;
    }
}
