using System.Text.Unicode;

namespace EventStore.FileSystem.Bytes;

/// <summary>
/// Checks a block of entries whose checksum is right, once when it is read. After that its entries are walked without checks.
/// </summary>
internal static class RunBlock
{
    // As long as the longest key that is written: so that a block has room for several.
    private const int MaxKeyLength = IndexKeys.MaxStreamLength + 12;

    /// <summary>Whether the entries are whole, in order, and possible.</summary>
    /// <param name="block">The block.</param>
    /// <param name="below">For a block that leads to others: only blocks before this number; null for a leaf.</param>
    public static bool IsSound(ReadOnlySpan<byte> block, long? below)
    {
        var end = RunFormat.EntriesEnd(block);
        if (end is <= RunFormat.EntriesStart or > RunFormat.BlockPayload) return false;
        var entries = block[..end];
        Span<byte> key = stackalloc byte[MaxKeyLength];
        for (int offset = RunFormat.EntriesStart, length = 0; offset < end;)
        {
            if (!TryReadHead(entries, ref offset, out var shared, out var own, out var valueLength)) return false;
            if (shared > length || own > MaxKeyLength - shared || own + valueLength > end - offset) return false;
            var further = entries.Slice(offset, (int)own);

            // A key that shares all that it can with the one before comes after it if its next byte does.
            var isAfter = shared == length ? own > 0 || length == 0 : own > 0 && further[0] > key[(int)shared];
            further.CopyTo(key[(int)shared..]);
            length = (int)(shared + own);
            var value = entries.Slice(offset + (int)own, (int)valueLength);
            if (!isAfter || !(below is { } bound ? IsBlock(value, bound) : IsPossible(key[..length], value))) return false;
            offset += (int)(own + valueLength);
        }

        return true;
    }

    private static bool TryReadHead(ReadOnlySpan<byte> entries, ref int offset, out long shared, out long own, out long valueLength)
    {
        (own, valueLength) = (0, 0);
        return TryReadLength(entries, ref offset, out shared) && TryReadLength(entries, ref offset, out own)
            && TryReadLength(entries, ref offset, out valueLength);
    }

    private static bool TryReadLength(ReadOnlySpan<byte> entries, ref int offset, out long length) =>
        Varint.TryRead(entries, offset, out length, out offset) && length is >= 0 and < RunFormat.BlockLength;

    private static bool IsBlock(ReadOnlySpan<byte> value, long below) =>
        Varint.TryRead(value, 0, out var number, out var end) && end == value.Length && number >= 0 && number < below;

    private static bool IsPossible(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => key.Length > 0 && key[0] switch
    {
        IndexKeys.CommitId => key.Length == IndexKeys.CommitIdLength && IsPosition(IndexKeys.PositionIn(key)) && value.IsEmpty,
        IndexKeys.Checkpoint => key.Length == IndexKeys.CheckpointLength && IsPosition(value),
        IndexKeys.Document => NameCache.IsName(key[1..]) && key.Length > 1 && IsPositionOrRemoved(value),
        IndexKeys.Removal => key.Length > 1 && Utf8.IsValid(key[2..]) && (IsPosition(value) || (value.IsEmpty && IndexKeys.IsHold(key))),
        IndexKeys.Head => IndexKeys.IsStream(key) && (value.IsEmpty || HeadEntry.IsPossible(value)),
        IndexKeys.StreamEvents => IndexKeys.IsEvents(key) && IsPosition(value),
        IndexKeys.Category or IndexKeys.Tag => IndexKeys.IsTerm(key) && IsPosition(value),
        IndexKeys.Snapshot => IndexKeys.IsSnapshot(key) && IsPositionOrRemoved(value),
        _ => false,
    };

    private static bool IsPositionOrRemoved(ReadOnlySpan<byte> value) => value.IsEmpty || IsPosition(value);

    private static bool IsPosition(ReadOnlySpan<byte> value) =>
        Varint.TryRead(value, 0, out var position, out var end) && end == value.Length && IsPosition(position);

    private static bool IsPosition(long position) => position is >= 0 and <= Format.MaxPosition;
}
