using System.Buffers.Binary;

namespace EventStore.FileSystem.Bytes;

/// <summary>
/// The format of a packed segment: a head, blocks, and a table of the blocks. Unpacked, the blocks one after another are the segment as it
/// was, byte for byte, except for the gaps in it. Each can be unpacked without the others.
/// </summary>
internal static class PackedFormat
{
    public const int HeaderLength = 128;
    public const int EntryLength = 20;
    public const int MinBlockLength = 512;
    public const int MaxBlockLength = 1 << 20;
    private const int MaxBlocks = 1 << 23; // so that the table is of a size that can be held
    private const ulong Magic = 0x314B415053465345; // "ESFSPAK1"
    private const uint KnownFeatures = 0;

    public static bool IsPacked(ReadOnlySpan<byte> head) => head.Length >= 8 && BinaryPrimitives.ReadUInt64LittleEndian(head) == Magic;

    public static void WriteHeader(Span<byte> into, in PackedHeader header)
    {
        into[..HeaderLength].Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(into, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(into[8..], Format.Major);
        BinaryPrimitives.WriteUInt16LittleEndian(into[10..], Format.Minor);
        BinaryPrimitives.WriteUInt32LittleEndian(into[12..], KnownFeatures);
        header.Segment.StoreId.TryWriteBytes(into[16..]);
        BinaryPrimitives.WriteInt64LittleEndian(into[32..], header.Segment.Number);
        BinaryPrimitives.WriteInt64LittleEndian(into[40..], header.Segment.Base);
        BinaryPrimitives.WriteInt64LittleEndian(into[48..], header.Segment.FirstCheckpoint);
        BinaryPrimitives.WriteUInt32LittleEndian(into[56..], header.Segment.Chain);
        BinaryPrimitives.WriteUInt32LittleEndian(into[60..], header.TableCrc);
        BinaryPrimitives.WriteInt64LittleEndian(into[64..], header.Length);
        BinaryPrimitives.WriteInt64LittleEndian(into[72..], header.TableStart);
        BinaryPrimitives.WriteInt32LittleEndian(into[80..], header.Blocks);
        BinaryPrimitives.WriteInt32LittleEndian(into[84..], header.BlockLength);
        BinaryPrimitives.WriteInt32LittleEndian(into[88..], header.IsCompressed ? 1 : 0);
        BinaryPrimitives.WriteUInt32LittleEndian(into[124..], Crc32C.Of(into[..124]));
    }

    /// <summary>Reads the head of a packed segment; a null problem means it is sound.</summary>
    /// <exception cref="StorageFormatException">It is of an unknown format, or has unknown features.</exception>
    public static PackedHeader ReadHeader(ReadOnlySpan<byte> from, long fileLength, string place, out string? problem)
    {
        problem = ProblemOf(from, place);
        if (problem is not null) return default;
        var segment = new SegmentHeader(
            new Guid(from.Slice(16, 16)),
            BinaryPrimitives.ReadInt64LittleEndian(from[32..]),
            BinaryPrimitives.ReadInt64LittleEndian(from[40..]),
            BinaryPrimitives.ReadInt64LittleEndian(from[48..]),
            BinaryPrimitives.ReadUInt32LittleEndian(from[56..]));
        var header = new PackedHeader(
            segment,
            BinaryPrimitives.ReadInt64LittleEndian(from[64..]),
            BinaryPrimitives.ReadInt32LittleEndian(from[84..]),
            BinaryPrimitives.ReadInt32LittleEndian(from[80..]),
            BinaryPrimitives.ReadInt64LittleEndian(from[72..]),
            BinaryPrimitives.ReadUInt32LittleEndian(from[60..]),
            BinaryPrimitives.ReadInt32LittleEndian(from[88..]) != 0);
        if (header.Blocks is < 0 or > MaxBlocks || header.TableStart < HeaderLength
            || fileLength - header.TableStart != (long)header.Blocks * EntryLength)
            problem = "it has another length than its header says.";
        else if (!Format.ArePossible(segment.Base, segment.FirstCheckpoint) || header.Length < Format.SegmentHeaderLength
            || header.Length > Format.MaxSegmentLength || (header.Length - 1) / header.BlockLength != header.Blocks - 1)
            problem = "its header has an impossible place or length.";
        return header;
    }

    public static void WriteEntry(Span<byte> into, in PackedBlock block)
    {
        BinaryPrimitives.WriteInt64LittleEndian(into, block.Offset);
        BinaryPrimitives.WriteInt32LittleEndian(into[8..], block.StoredLength);
        BinaryPrimitives.WriteInt32LittleEndian(into[12..], (int)block.Coding);
        BinaryPrimitives.WriteUInt32LittleEndian(into[16..], block.Crc);
    }

    public static PackedBlock ReadEntry(ReadOnlySpan<byte> from) => new(
        BinaryPrimitives.ReadInt64LittleEndian(from), BinaryPrimitives.ReadInt32LittleEndian(from[8..]),
        (BlockCoding)BinaryPrimitives.ReadInt32LittleEndian(from[12..]), BinaryPrimitives.ReadUInt32LittleEndian(from[16..]));

    /// <summary>The checksum of a block as it is stored, or of the table, which is numbered after the last block.</summary>
    public static uint CrcOf(ReadOnlySpan<byte> stored, ulong storeSeed, long segmentNumber, int number) =>
        Crc32C.Of(stored, Crc32C.Of((ulong)number, Crc32C.Of((ulong)segmentNumber, Crc32C.Of(storeSeed, 0))));

    private static string? ProblemOf(ReadOnlySpan<byte> from, string place)
    {
        if (from.Length < HeaderLength) return "it is shorter than its header.";
        if (Crc32C.Of(from[..124]) != BinaryPrimitives.ReadUInt32LittleEndian(from[124..])) return "the checksum of its header is wrong.";
        Format.RequireKnown(from, place);
        Format.RequireKnownFeatures(BinaryPrimitives.ReadUInt32LittleEndian(from[12..]), KnownFeatures, place);
        return BinaryPrimitives.ReadInt32LittleEndian(from[84..]) is < MinBlockLength or > MaxBlockLength
            ? "its blocks have an impossible length."
            : null;
    }
}

/// <summary>How a block is stored.</summary>
internal enum BlockCoding
{
    /// <summary>It is all zeros; nothing is stored.</summary>
    Zeros = 0,

    /// <summary>As it is.</summary>
    Plain = 1,

    /// <summary>The parts that are not zeros, each with the zeros before it.</summary>
    Runs = 2,

    /// <summary>Compressed with Brotli (RFC 7932).</summary>
    Brotli = 3,
}

/// <summary>The head of a packed segment.</summary>
/// <param name="Segment">The head of the segment, as it also stands at the beginning of the first block.</param>
/// <param name="Length">The length of the segment, unpacked.</param>
/// <param name="BlockLength">The length of a block, unpacked; the last may be shorter.</param>
/// <param name="Blocks">How many there are.</param>
/// <param name="TableStart">Where in the file the table begins, which ends with the file.</param>
/// <param name="TableCrc">The table's checksum.</param>
/// <param name="IsCompressed">Whether it is compressed, or only zeros are left out.</param>
internal readonly record struct PackedHeader(
    SegmentHeader Segment, long Length, int BlockLength, int Blocks, long TableStart, uint TableCrc, bool IsCompressed);

/// <summary>Where a block is stored.</summary>
internal readonly record struct PackedBlock(long Offset, int StoredLength, BlockCoding Coding, uint Crc);
