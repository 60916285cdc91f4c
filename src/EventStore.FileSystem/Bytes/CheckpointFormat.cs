using System.Buffers.Binary;

namespace EventStore.FileSystem.Bytes;

/// <summary>The format of a checkpoint file. docs/file-format.md describes it in prose.</summary>
internal static class CheckpointFormat
{
    private const ulong Magic = 0x31504B4353465345; // "ESFSCKP1"
    private const int FixedLength = 96;
    private const int RunLength = 32;
    private const int MaxLevel = 64;

    public static byte[] Encode(Guid storeId, StoreCheckpoint checkpoint)
    {
        var bytes = new byte[FixedLength + (checkpoint.Runs.Count * RunLength) + 4];
        var into = bytes.AsSpan();
        BinaryPrimitives.WriteUInt64LittleEndian(into, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(into[8..], Format.Major);
        BinaryPrimitives.WriteUInt32LittleEndian(into[12..], (uint)bytes.Length);
        storeId.TryWriteBytes(into[16..]);
        BinaryPrimitives.WriteInt64LittleEndian(into[32..], checkpoint.Generation);
        BinaryPrimitives.WriteUInt32LittleEndian(into[40..], checkpoint.Epoch);
        BinaryPrimitives.WriteUInt32LittleEndian(into[44..], checkpoint.Indexed.Chain);
        BinaryPrimitives.WriteInt64LittleEndian(into[48..], checkpoint.DurableEnd);
        BinaryPrimitives.WriteInt64LittleEndian(into[56..], checkpoint.Indexed.Position);
        BinaryPrimitives.WriteInt64LittleEndian(into[64..], checkpoint.Indexed.NextCheckpoint);
        BinaryPrimitives.WriteInt64LittleEndian(into[72..], checkpoint.Indexed.StampTicks);
        BinaryPrimitives.WriteInt32LittleEndian(into[80..], checkpoint.Runs.Count);
        for (var i = 0; i < checkpoint.Runs.Count; i++)
        {
            var run = into.Slice(FixedLength + (i * RunLength), RunLength);
            BinaryPrimitives.WriteInt64LittleEndian(run, checkpoint.Runs[i].Id);
            BinaryPrimitives.WriteInt64LittleEndian(run[8..], checkpoint.Runs[i].Level);
            BinaryPrimitives.WriteInt64LittleEndian(run[16..], checkpoint.Runs[i].From);
            BinaryPrimitives.WriteInt64LittleEndian(run[24..], checkpoint.Runs[i].To);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(into[^4..], Crc32C.Of(into[..^4]));
        return bytes;
    }

    /// <summary>Whether a number can be that of a checkpoint. No store writes so many.</summary>
    public static bool IsGeneration(long number) => number is > 0 and < 1L << 48;

    /// <summary>Reads a checkpoint; null if it is not whole, of another store of an unknown format, or claims what no store has.</summary>
    public static StoreCheckpoint? Decode(ReadOnlySpan<byte> from, Guid storeId)
    {
        if (from.Length < FixedLength + 4 || BinaryPrimitives.ReadUInt64LittleEndian(from) != Magic) return null;
        if (BinaryPrimitives.ReadUInt32LittleEndian(from[12..]) != from.Length
            || BinaryPrimitives.ReadUInt16LittleEndian(from[8..]) != Format.Major)
            return null;
        if (BinaryPrimitives.ReadUInt32LittleEndian(from[^4..]) != Crc32C.Of(from[..^4]) || new Guid(from.Slice(16, 16)) != storeId)
            return null;
        var count = BinaryPrimitives.ReadInt32LittleEndian(from[80..]);
        if (count < 0 || FixedLength + ((long)count * RunLength) + 4 != from.Length) return null;
        var runs = new RunEntry[count];
        for (var i = 0; i < runs.Length; i++)
        {
            var run = from.Slice(FixedLength + (i * RunLength), RunLength);
            var level = BinaryPrimitives.ReadInt64LittleEndian(run[8..]);
            runs[i] = new RunEntry(
                BinaryPrimitives.ReadInt64LittleEndian(run), (int)level,
                BinaryPrimitives.ReadInt64LittleEndian(run[16..]), BinaryPrimitives.ReadInt64LittleEndian(run[24..]));
            if (level is < 0 or > MaxLevel || !RunFormat.IsId(runs[i].Id)) return null;
        }

        var indexed = new LogPoint(
            BinaryPrimitives.ReadInt64LittleEndian(from[56..]), BinaryPrimitives.ReadUInt32LittleEndian(from[44..]),
            BinaryPrimitives.ReadInt64LittleEndian(from[64..]), BinaryPrimitives.ReadInt64LittleEndian(from[72..]));
        var durableEnd = BinaryPrimitives.ReadInt64LittleEndian(from[48..]);
        var generation = BinaryPrimitives.ReadInt64LittleEndian(from[32..]);
        if (!Format.ArePossible(indexed.Position, indexed.NextCheckpoint) || !Format.ArePossible(durableEnd, indexed.NextCheckpoint)
            || !CommitCodec.IsStamp(indexed.StampTicks) || !IsGeneration(generation))
            return null;
        return new StoreCheckpoint(
            generation, BinaryPrimitives.ReadUInt32LittleEndian(from[40..]), durableEnd, indexed,
            runs);
    }
}

/// <summary>
/// What a checkpoint claims: how far the log is durable and how far it is indexed, and by which runs. Never ahead of the files it names.
/// </summary>
/// <param name="Generation">Its number; the newest valid one counts.</param>
/// <param name="Epoch">The opening of the store that wrote it.</param>
/// <param name="DurableEnd">Up to where the log was durable.</param>
/// <param name="Indexed">Where the indexed part of the log ends.</param>
/// <param name="Runs">The runs of the index, oldest part of the log first.</param>
internal sealed record StoreCheckpoint(long Generation, uint Epoch, long DurableEnd, LogPoint Indexed, IReadOnlyList<RunEntry> Runs);

/// <summary>A place between two frames, with everything needed to continue there.</summary>
/// <param name="Position">The address of the next frame.</param>
/// <param name="Chain">The checksum of the frame before.</param>
/// <param name="NextCheckpoint">The checkpoint that the next event gets.</param>
/// <param name="StampTicks">The newest stamp so far.</param>
internal readonly record struct LogPoint(long Position, uint Chain, long NextCheckpoint, long StampTicks)
{
    /// <summary>The start of a log: the first frame of its first segment.</summary>
    public static LogPoint Origin { get; } = new(Format.SegmentHeaderLength, 0, 1, 0);
}

/// <summary>A run of the index.</summary>
internal readonly record struct RunEntry(long Id, int Level, long From, long To);
