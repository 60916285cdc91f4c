using System.Buffers.Binary;

namespace EventStore.FileSystem.Bytes;

/// <summary>
/// The format of a run of the index. A run is a row of blocks of one size, each with a checksum of its own. First come the leaves with the
/// sorted entries, then levels of blocks that lead to them, the filter, and a foot.
/// </summary>
internal static class RunFormat
{
    public const int BlockLength = 4096;
    public const int BlockPayload = BlockLength - 4;
    public const int EntriesStart = 2;
    public const int MaxEntryHeadLength = 9;
    public const int FilterCellLength = 64;
    public const int FilterCellsPerBlock = BlockPayload / FilterCellLength;
    public const int FilterBitsPerKey = 10;
    private const int FilterProbes = 6;
    private const int MostKeysPerCell = (FilterCellLength * 8 / FilterBitsPerKey) + 1;
    private const ulong Magic = 0x3158444953465345; // "ESFSIDX1"

    public static string PathOf(long id) => $"{Folder}/{id:x16}.run";

    public const string Folder = "idx";

    // What no store reaches.
    private const int MaxHeight = 16;

    /// <summary>Whether a number can be that of a run. No store writes so many.</summary>
    public static bool IsId(long number) => number is > 0 and < 1L << 48;

    public static void SealBlock(Span<byte> block, ulong seed, long number) =>
        BinaryPrimitives.WriteUInt32LittleEndian(block[BlockPayload..], CrcOf(block, seed, number));

    public static bool IsBlock(ReadOnlySpan<byte> block, ulong seed, long number) =>
        BinaryPrimitives.ReadUInt32LittleEndian(block[BlockPayload..]) == CrcOf(block, seed, number);

    public static int EntriesEnd(ReadOnlySpan<byte> block) => BinaryPrimitives.ReadUInt16LittleEndian(block);

    public static void SetEntriesEnd(Span<byte> block, int end) => BinaryPrimitives.WriteUInt16LittleEndian(block, (ushort)end);

    /// <summary>Writes an entry; returns its length.</summary>
    /// <param name="into">Receives it.</param>
    /// <param name="key">Its key.</param>
    /// <param name="shared">How many bytes it shares with the key before it.</param>
    /// <param name="value">Its value.</param>
    public static int WriteEntry(Span<byte> into, ReadOnlySpan<byte> key, int shared, ReadOnlySpan<byte> value)
    {
        var used = Varint.Write(into, shared);
        used += Varint.Write(into[used..], key.Length - shared);
        used += Varint.Write(into[used..], value.Length);
        key[shared..].CopyTo(into[used..]);
        used += key.Length - shared;
        value.CopyTo(into[used..]);
        return used + value.Length;
    }

    /// <summary>Reads the head of an entry. The further bytes of its key follow, then its value.</summary>
    public static void ReadEntryHead(ReadOnlySpan<byte> block, ref int offset, out int shared, out int own, out int valueLength)
    {
        shared = (int)Varint.Read(block, ref offset);
        own = (int)Varint.Read(block, ref offset);
        valueLength = (int)Varint.Read(block, ref offset);
    }

    public static void WriteFoot(Span<byte> block, in RunFoot foot)
    {
        block.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(block, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(block[8..], Format.Major);
        BinaryPrimitives.WriteInt64LittleEndian(block[16..], foot.Id);
        BinaryPrimitives.WriteInt64LittleEndian(block[24..], foot.From);
        BinaryPrimitives.WriteInt64LittleEndian(block[32..], foot.To);
        BinaryPrimitives.WriteInt64LittleEndian(block[40..], foot.Leaves);
        BinaryPrimitives.WriteInt64LittleEndian(block[48..], foot.Root);
        BinaryPrimitives.WriteInt64LittleEndian(block[56..], foot.Height);
        BinaryPrimitives.WriteInt64LittleEndian(block[64..], foot.FilterStart);
        BinaryPrimitives.WriteInt64LittleEndian(block[72..], foot.FilterCells);
        BinaryPrimitives.WriteInt64LittleEndian(block[80..], foot.FilterKeys);
    }

    /// <summary>Reads the foot of a run; null if it is none, or claims what the run cannot have.</summary>
    /// <param name="block">The last block.</param>
    /// <param name="blocks">How many blocks there are.</param>
    public static RunFoot? ReadFoot(ReadOnlySpan<byte> block, long blocks)
    {
        if (BinaryPrimitives.ReadUInt64LittleEndian(block) != Magic || BinaryPrimitives.ReadUInt16LittleEndian(block[8..]) != Format.Major)
            return null;
        var height = BinaryPrimitives.ReadInt64LittleEndian(block[56..]);
        var foot = new RunFoot(
            BinaryPrimitives.ReadInt64LittleEndian(block[16..]),
            BinaryPrimitives.ReadInt64LittleEndian(block[24..]),
            BinaryPrimitives.ReadInt64LittleEndian(block[32..]),
            BinaryPrimitives.ReadInt64LittleEndian(block[40..]),
            BinaryPrimitives.ReadInt64LittleEndian(block[48..]),
            (int)height,
            BinaryPrimitives.ReadInt64LittleEndian(block[64..]),
            BinaryPrimitives.ReadInt64LittleEndian(block[72..]),
            BinaryPrimitives.ReadInt64LittleEndian(block[80..]));
        return height is >= 0 and <= MaxHeight && IsPossible(foot, blocks) ? foot : null;
    }

    // Leaves, levels, the filter and the foot follow each other, and fill the file.
    private static bool IsPossible(in RunFoot foot, long blocks) =>
        foot.FilterCells >= 1 && foot.FilterCells <= blocks * FilterCellsPerBlock
        && foot.FilterStart == blocks - 1 - ((foot.FilterCells + FilterCellsPerBlock - 1) / FilterCellsPerBlock)
        && foot.Leaves >= 0 && foot.Leaves <= foot.FilterStart
        && foot.Root >= (foot.Leaves == 0 ? -1 : 0) && foot.Root < Math.Max(foot.FilterStart, 1)
        && foot.FilterKeys >= 0 && foot.FilterKeys <= foot.FilterCells * MostKeysPerCell;

    /// <summary>The hash of a key from which its bits in the filter are taken.</summary>
    public static ulong HashOf(ReadOnlySpan<byte> key)
    {
        var hash = (Crc32C.Of(key) + 1UL) * 0x9E3779B97F4A7C15;
        hash ^= hash >> 32;
        hash *= 0xD6E8FEB86659FD93;
        return hash ^ (hash >> 32);
    }

    /// <summary>The cell of the filter that holds a key's bits.</summary>
    public static long CellOf(ulong hash, long cells) => (long)(((hash >> 32) * (ulong)cells) >> 32);

    public static void SetBits(Span<byte> cell, ulong hash)
    {
        var (bit, step) = ((uint)hash, ((uint)hash >> 9) | 1);
        for (var i = 0; i < FilterProbes; i++, bit += step) cell[(int)(bit & 511) >> 3] |= (byte)(1 << (int)(bit & 7));
    }

    public static bool HasBits(ReadOnlySpan<byte> cell, ulong hash)
    {
        var (bit, step) = ((uint)hash, ((uint)hash >> 9) | 1);
        for (var i = 0; i < FilterProbes; i++, bit += step)
        {
            if ((cell[(int)(bit & 511) >> 3] & (1 << (int)(bit & 7))) == 0) return false;
        }

        return true;
    }

    private static uint CrcOf(ReadOnlySpan<byte> block, ulong seed, long number) =>
        Crc32C.Of(block[..BlockPayload], Crc32C.Of((ulong)number, Crc32C.Of(seed, 0)));
}

/// <summary>The foot of a run: the part of the log it covers and where its parts begin, in blocks.</summary>
internal readonly record struct RunFoot(
    long Id, long From, long To, long Leaves, long Root, int Height, long FilterStart, long FilterCells, long FilterKeys);
