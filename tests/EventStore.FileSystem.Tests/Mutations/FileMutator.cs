using System.Buffers.Binary;
using System.Globalization;
using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Tests.Mutations;

/// <summary>
/// Changes the files of a store as a process could that knows the format: the log frame by frame, heads, tables, blocks, runs, checkpoints
/// and marks field by field, with checksums that fit; and files as a whole.
/// </summary>
internal sealed class FileMutator(Random random, StoreForm form, MemoryDisk disk)
{
    private static readonly (int At, int Bytes)[] HeadFields =
        [(0, 8), (8, 2), (10, 2), (12, 4), (16, 8), (32, 8), (40, 8), (48, 8), (56, 4), (60, 4)];

    private static readonly (int At, int Bytes)[] PackedFields = [.. HeadFields, (64, 8), (72, 8), (80, 4), (84, 4), (88, 4)];

    private static readonly (int At, int Bytes)[] CheckpointFields =
        [(8, 2), (12, 4), (16, 8), (32, 8), (40, 4), (44, 4), (48, 8), (56, 8), (64, 8), (72, 8), (80, 4), (96, 8),
            (104, 8), (112, 8), (120, 8)];

    private static readonly (int At, int Bytes)[] FootFields =
        [(8, 2), (16, 8), (24, 8), (32, 8), (40, 8), (48, 8), (56, 8), (64, 8), (72, 8), (80, 8)];

    private readonly ulong seed = form.Image.Seed;

    /// <summary>Changes the store. Returns what was done.</summary>
    public string Mutate()
    {
        var done = random.Next(100) switch
        {
            < 50 => MutateLog(),
            < 60 => MutateHead(),
            < 66 => MutatePacked(),
            < 82 => MutateRun(),
            < 89 => MutateCheckpoint(),
            < 92 => MutateMarks(),
            < 93 => MutateIdentity(),
            _ => MutateFile(),
        };
        if (random.Next(5) > 0) return done;
        foreach (var path in disk.Paths.Where(path => path.EndsWith(".run", StringComparison.Ordinal)).ToArray()) disk.Delete(path);
        if (random.Next(2) > 0) return done + "; without runs";
        foreach (var path in Checkpoints()) disk.Delete(path);
        return done + "; without index";
    }

    private string MutateLog()
    {
        var image = form.Image.Copy();
        var mutator = new LogMutator(random, image);
        var done = mutator.Mutate();
        mutator.Log.WriteTo(disk);
        if (random.Next(2) == 0) return done;
        foreach (var path in Checkpoints()) disk.Delete(path);
        return done + "; without checkpoints";
    }

    private string MutateHead()
    {
        var path = Segment();
        var bytes = disk.Read(path);
        var (at, length) = Draw(PackedFormat.IsPacked(bytes) ? PackedFields : HeadFields);
        var value = Set(bytes.AsSpan(at, length));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(124), Crc32C.Of(bytes.AsSpan(0, 124)));
        disk.Write(path, bytes);
        return $"{path}: head at {at} = {value}";
    }

    // The table and the blocks of a packed segment.
    private string MutatePacked()
    {
        var path = Segment();
        var bytes = disk.Read(path);
        if (!PackedFormat.IsPacked(bytes)) return MutateFile();
        var header = PackedFormat.ReadHeader(bytes, bytes.Length, path, out _);
        var table = bytes.AsSpan((int)header.TableStart);
        var number = random.Next(header.Blocks);
        var entry = table.Slice(number * PackedFormat.EntryLength, PackedFormat.EntryLength);
        var block = PackedFormat.ReadEntry(entry);
        string done;
        if (random.Next(2) == 0)
        {
            var (at, length) = Draw([(0, 8), (8, 4), (12, 4)]);
            done = $"entry {number} at {at} = {Set(entry.Slice(at, length))}";
            block = PackedFormat.ReadEntry(entry);
        }
        else
        {
            Values.Strike(random, bytes.AsSpan((int)block.Offset, block.StoredLength));
            done = $"bytes of block {number}";
        }

        if (block.Offset >= 0 && block.StoredLength >= 0 && block.Offset <= bytes.Length - block.StoredLength)
        {
            var stored = bytes.AsSpan((int)block.Offset, block.StoredLength);
            PackedFormat.WriteEntry(entry, block with { Crc = PackedFormat.CrcOf(stored, seed, header.Segment.Number, number) });
        }

        PackedFormat.WriteHeader(
            bytes, header with { TableCrc = PackedFormat.CrcOf(table, seed, header.Segment.Number, header.Blocks) });
        disk.Write(path, bytes);
        return $"{path}: {done}";
    }

    private string MutateRun()
    {
        var runs = disk.Paths.Where(path => path.EndsWith(".run", StringComparison.Ordinal)).ToArray();
        if (runs.Length == 0) return MutateLog();
        var path = runs[random.Next(runs.Length)];
        var id = long.Parse(path.AsSpan(RunFormat.Folder.Length + 1, 16), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        var bytes = disk.Read(path);
        var blocks = bytes.Length / RunFormat.BlockLength;
        var number = random.Next(3) == 0 ? blocks - 1 : random.Next(blocks);
        var block = bytes.AsSpan(number * RunFormat.BlockLength, RunFormat.BlockLength);
        string done;
        if (number == blocks - 1)
        {
            var (at, length) = Draw(FootFields);
            done = $"foot at {at} = {Set(block.Slice(at, length))}";
        }
        else if (random.Next(5) == 0)
        {
            done = $"block {number}: end = {Set(block[..2])}";
        }
        else
        {
            // Most of a block is empty.
            var used = Math.Clamp(RunFormat.EntriesEnd(block), 8, RunFormat.BlockPayload);
            Values.Strike(random, block[RunFormat.EntriesStart..used]);
            done = $"bytes of block {number}";
        }

        RunFormat.SealBlock(block, seed ^ (ulong)id, number);
        disk.Write(path, bytes);
        return $"{path}: {done}";
    }

    private string MutateCheckpoint()
    {
        var done = "";
        foreach (var path in Checkpoints())
        {
            var bytes = disk.Read(path);
            var (at, length) = Draw([.. CheckpointFields.Where(field => field.At + field.Bytes <= bytes.Length - 4)]);
            done += $"{path} at {at} = {Set(bytes.AsSpan(at, length))} ";
            if (random.Next(8) == 0) Array.Resize(ref bytes, bytes.Length + (32 * random.Next(3)));
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(12), (uint)bytes.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(^4..), Crc32C.Of(bytes.AsSpan(..^4)));
            disk.Write(path, bytes);
        }

        return done;
    }

    private string MutateMarks()
    {
        if (!disk.Exists(LiveFile.FileName)) return MutateLog();
        var bytes = disk.Read(LiveFile.FileName);
        var done = "";
        for (var mark = LiveFormat.FirstMark; mark < LiveFormat.FirstMark + (2 * LiveFormat.MarkLength); mark += LiveFormat.MarkLength)
        {
            var (at, length) = Draw([(0, 8), (8, 8), (16, 8), (24, 8), (32, 4), (36, 4)]);
            var into = bytes.AsSpan(mark, LiveFormat.MarkLength);
            done += $"mark {mark} at {at} = {Set(into.Slice(at, length))} ";
            BinaryPrimitives.WriteUInt32LittleEndian(into[60..], Crc32C.Of(into[..60], Crc32C.Of(seed, 0)));
        }

        disk.Write(LiveFile.FileName, bytes);
        return done;
    }

    private string MutateIdentity()
    {
        var bytes = disk.Read(LogSegments.IdentityFileName);
        var (at, length) = Draw([(0, 8), (8, 2), (10, 2), (16, 8), (32, 8), (40, 8)]);
        var value = Set(bytes.AsSpan(at, length));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(124), Crc32C.Of(bytes.AsSpan(0, 124)));
        disk.Write(LogSegments.IdentityFileName, bytes);
        return $"identity at {at} = {value}";
    }

    /// <summary>Changes a file as a whole, whatever was done to it before. Returns what was done.</summary>
    public string MutateFile()
    {
        var paths = disk.Paths.Where(path => path != Store.OpenStore.LockFileName && disk[path].Length < 1 << 20).ToArray();
        var path = paths[random.Next(paths.Length)];
        switch (random.Next(9))
        {
            case 0:
                disk.Delete(path);
                return $"{path} deleted";
            case 1:
                disk[path].SetLength(random.NextInt64(disk[path].Length + 1));
                return $"{path} cut to {disk[path].Length}";
            case 2:
                var bytes = random.Next(100) switch { 0 => 2L << 30, < 10 => 16L << 20, _ => random.Next(1, 20_000) };
                disk[path].SetLength(disk[path].Length + bytes);
                return $"{path} and {bytes} zeros";
            case 3:
                disk[path].Write(Values.Bytes(random, random.Next(1, 20_000)), disk[path].Length);
                return $"{path} continued";
            case 4:
                var struck = disk.Read(path);
                Values.Strike(random, struck);
                disk.Write(path, struck);
                return $"{path}: bytes";
            case 5:
                disk.Write(random.Next(2) == 0 ? CopyMarks.Copied : CopyMarks.Copying, []);
                return "marked as a copy";
            case 6:
                var other = paths[random.Next(paths.Length)];
                disk.Exchange(path, other);
                return $"{path} exchanged with {other}";
            default:
                var name = Name();
                disk.CopyFile(path, name);
                return $"{path} as {name}";
        }
    }

    private string Name()
    {
        var number = Values.Draw(random, disk.List(LogSegments.Folder).Count) & long.MaxValue;
        return random.Next(5) switch
        {
            0 => $"idx/{number:x16}.run",
            1 => $"idx/{random.NextInt64():x16}.run",
            2 => string.Create(CultureInfo.InvariantCulture, $"checkpoint-{number:D10}.esfs"),
            3 => "log/3000000000.seg",
            _ => string.Create(CultureInfo.InvariantCulture, $"log/{number:D8}.seg"),
        };
    }

    private string Segment()
    {
        var names = disk.List(LogSegments.Folder);
        return $"{LogSegments.Folder}/{names[random.Next(names.Count)]}";
    }

    private string[] Checkpoints() => [.. disk.Paths.Where(path => path.StartsWith("checkpoint-", StringComparison.Ordinal))];

    private T Draw<T>(T[] choices) => choices[random.Next(choices.Length)];

    private long Set(Span<byte> field) => Values.Set(random, field);
}
