using System.Buffers.Binary;

namespace EventStore.FileSystem.Bytes;

/// <summary>How far other processes may read, as the writer last published it.</summary>
/// <param name="Number">The number of the mark; never the same twice in a file.</param>
/// <param name="End">Up to where the log may be read: acknowledged, and where batches are flushed, on the medium.</param>
/// <param name="DurableEnd">Up to where it was known to be on the medium.</param>
/// <param name="Replacements">How often files of segments were replaced in this opening.</param>
/// <param name="Epoch">The opening of the store that wrote it.</param>
/// <param name="SyncsEachBatch">Whether what is acknowledged is on the medium.</param>
internal readonly record struct LiveMark(long Number, long End, long DurableEnd, long Replacements, uint Epoch, bool SyncsEachBatch);

/// <summary>
/// The format of the file in which the writer publishes how far the log may be read. It holds two marks, written in turn, so that one is
/// always whole. Only readers depend on it: it is never flushed, and recovery does not read it. It may be deleted while the store is
/// closed.
/// </summary>
internal static class LiveFormat
{
    /// <summary>The length of the file; a full block, so that later writes allocate nothing.</summary>
    public const int Length = 4096;

    public const int MarkLength = 64;
    public const int FirstMark = 128;

    // What no store reaches.
    private const long MaxNumber = 1L << 60;

    private const ulong Magic = 0x3156494C53465345; // "ESFSLIV1"

    public static void WriteHead(Span<byte> into, Guid storeId)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(into, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(into[8..], Format.Major);
        BinaryPrimitives.WriteUInt16LittleEndian(into[10..], Format.Minor);
        storeId.TryWriteBytes(into[16..]);
        BinaryPrimitives.WriteUInt32LittleEndian(into[124..], Crc32C.Of(into[..124]));
    }

    public static void WriteMark(Span<byte> into, in LiveMark mark, ulong seed)
    {
        into[..MarkLength].Clear();
        BinaryPrimitives.WriteInt64LittleEndian(into, mark.Number);
        BinaryPrimitives.WriteInt64LittleEndian(into[8..], mark.End);
        BinaryPrimitives.WriteInt64LittleEndian(into[16..], mark.DurableEnd);
        BinaryPrimitives.WriteInt64LittleEndian(into[24..], mark.Replacements);
        BinaryPrimitives.WriteUInt32LittleEndian(into[32..], mark.Epoch);
        BinaryPrimitives.WriteUInt32LittleEndian(into[36..], mark.SyncsEachBatch ? 1u : 0u);
        BinaryPrimitives.WriteUInt32LittleEndian(into[60..], Crc32C.Of(into[..60], Crc32C.Of(seed, 0)));
    }

    /// <summary>The newer of the two marks; null if neither is whole and of this store.</summary>
    public static LiveMark? ReadMarks(ReadOnlySpan<byte> marks, ulong seed)
    {
        return (ReadMark(marks, seed), ReadMark(marks[MarkLength..], seed)) switch
        {
            ({ } first, { } second) => first.Number > second.Number ? first : second,
            var (first, second) => first ?? second,
        };
    }

    private static LiveMark? ReadMark(ReadOnlySpan<byte> from, ulong seed)
    {
        if (BinaryPrimitives.ReadUInt32LittleEndian(from[60..]) != Crc32C.Of(from[..60], Crc32C.Of(seed, 0))) return null;
        var (number, end) = (BinaryPrimitives.ReadInt64LittleEndian(from), BinaryPrimitives.ReadInt64LittleEndian(from[8..]));
        var durableEnd = BinaryPrimitives.ReadInt64LittleEndian(from[16..]);
        if (number is < 0 or > MaxNumber || !Format.ArePossible(end, 1) || !Format.ArePossible(durableEnd, 1)) return null;
        return new LiveMark(
            number,
            end,
            durableEnd,
            BinaryPrimitives.ReadInt64LittleEndian(from[24..]),
            BinaryPrimitives.ReadUInt32LittleEndian(from[32..]),
            (BinaryPrimitives.ReadUInt32LittleEndian(from[36..]) & 1) != 0);
    }
}
