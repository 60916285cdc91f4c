using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Log;

namespace EventStore.FileSystem.Index;

/// <summary>An immutable run of the index, read block by block. Nothing of it is kept in memory but what was asked for, in a bounded cache.</summary>
internal sealed class RunFile : IDisposable
{
    private readonly IDiskFile file;
    private readonly BlockCache cache;
    private readonly ulong seed;
    private readonly RunFoot foot;

    // Blocks of the filter, loaded when first asked for. Racing loads store equal blocks.
    private readonly byte[]?[] filter;

    private KnownRange? commitIds;

    private RunFile(IDiskFile file, BlockCache cache, ulong seed, RunFoot foot, int level)
    {
        (this.file, this.cache, this.seed, this.foot, Level) = (file, cache, seed, foot, level);
        filter = new byte[]?[(foot.FilterCells + RunFormat.FilterCellsPerBlock - 1) / RunFormat.FilterCellsPerBlock];
    }

    public long Id => foot.Id;

    public long From => foot.From;

    public long To => foot.To;

    public int Level { get; }

    public long FilterKeys => foot.FilterKeys;

    public long Leaves => foot.Leaves;

    public int Height => foot.Height;

    public long Root => foot.Root;

    public string Path => RunFormat.PathOf(Id);

    /// <summary>The commit ids it may hold, read when first asked for.</summary>
    public CommitIdRange CommitIds => (commitIds ??= ReadCommitIds()).Range;

    public static RunFile Open(IDisk disk, BlockCache cache, ulong storeSeed, long id, int level, long from, long to)
    {
        var path = RunFormat.PathOf(id);
        if (!disk.Exists(path)) throw new IndexDamageException(path, "the run is missing.");
        var opened = disk.Open(path, forWriting: false);
        try
        {
            var (blocks, rest) = Math.DivRem(opened.Length, RunFormat.BlockLength);
            if (blocks == 0 || rest != 0) throw new IndexDamageException(path, "the run does not consist of whole blocks.");
            var last = new byte[RunFormat.BlockLength];
            opened.Read(last, (blocks - 1) * RunFormat.BlockLength);
            var ownSeed = storeSeed ^ (ulong)id;
            if (!RunFormat.IsBlock(last, ownSeed, blocks - 1) || RunFormat.ReadFoot(last) is not { } foot) throw new IndexDamageException(path, "the foot of the run is damaged.");
            if (foot.Id != id || foot.From != from || foot.To != to) throw new IndexDamageException(path, "the run covers another part of the log than the checkpoint says.");
            return new RunFile(opened, cache, ownSeed, foot, level);
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>Whether there may be entries that the filter was given this part of a key for.</summary>
    public bool MayHold(ulong hash)
    {
        var cell = RunFormat.CellOf(hash, foot.FilterCells);
        var (number, index) = ((int)(cell / RunFormat.FilterCellsPerBlock), (int)(cell % RunFormat.FilterCellsPerBlock));
        var block = filter[number] ??= Load(foot.FilterStart + number);
        return RunFormat.HasBits(block.AsSpan(index * RunFormat.FilterCellLength, RunFormat.FilterCellLength), hash);
    }

    public RunCursor OpenCursor() => new(this);

    public byte[] Block(long number)
    {
        if (cache.Find(Id, number) is { } known) return known;
        var block = Load(number);
        cache.Keep(Id, number, block);
        return block;
    }

    /// <summary>How long the file is.</summary>
    public long Length => file.Length;

    /// <summary>Reads the file as it is, to be copied.</summary>
    public int ReadRaw(Span<byte> into, long offset) => file.Read(into, offset);

    /// <summary>Reads every block anew; answers the numbers of those that are damaged.</summary>
    public IEnumerable<long> DamagedBlocks()
    {
        var block = new byte[RunFormat.BlockLength];
        var blocks = file.Length / RunFormat.BlockLength;
        for (var number = 0L; number < blocks; number++)
        {
            var read = file.Read(block, number * RunFormat.BlockLength);
            if (read != block.Length || !RunFormat.IsBlock(block, seed, number)) yield return number;
        }
    }

    public void Dispose() => file.Dispose();

    // Commit ids are the first of all keys.
    private KnownRange ReadCommitIds()
    {
        var range = CommitIdRange.Empty;
        var cursor = OpenCursor();
        if (cursor.Seek([IndexKeys.CommitId]) && cursor.Key[0] == IndexKeys.CommitId)
        {
            range = new CommitIdRange(IndexKeys.CommitIdIn(cursor.Key), UInt128.MaxValue);
            if (cursor.SeekFloor([IndexKeys.CommitId + 1])) range = range with { Highest = IndexKeys.CommitIdIn(cursor.Key) };
        }

        return new KnownRange(range);
    }

    private byte[] Load(long number)
    {
        var block = new byte[RunFormat.BlockLength];
        if (file.Read(block, number * RunFormat.BlockLength) != block.Length || !RunFormat.IsBlock(block, seed, number))
            throw new IndexDamageException(Path, $"block {number} of the run is damaged.");
        return block;
    }
}

/// <summary>A range that was read.</summary>
internal sealed record KnownRange(CommitIdRange Range);

/// <summary>The blocks of runs read last, as many as fit. A block displaced by another is simply read again.</summary>
internal sealed class BlockCache(int slots = 4096)
{
    private const int FirstSlots = 64;
    private Entry?[] entries = new Entry?[Math.Min(FirstSlots, slots)];

    public byte[]? Find(long run, long number) => SlotOf(entries, run, number) is { } entry && entry.Run == run && entry.Number == number ? entry.Block : null;

    public void Keep(long run, long number, byte[] block)
    {
        var kept = entries;
        ref var slot = ref SlotOf(kept, run, number);

        // Racing readers may lose what another kept, which costs no more than reading it again.
        if (slot is null || kept.Length == slots) slot = new Entry(run, number, block);
        else entries = new Entry?[Math.Min(slots, kept.Length * 4)];
    }

    private static ref Entry? SlotOf(Entry?[] entries, long run, long number) =>
        ref entries[(int)(((((ulong)run * 0x9E3779B97F4A7C15) + ((ulong)number * 0xD6E8FEB86659FD93)) >> 20) % (ulong)entries.Length)];

    private sealed record Entry(long Run, long Number, byte[] Block);
}

/// <summary>Walks the entries of a run.</summary>
internal sealed class RunCursor(RunFile run) : EntryCursor
{
    private byte[] block = [];
    private byte[] key = new byte[128];
    private int keyLength;
    private int valueStart;
    private int valueLength;
    private int offset;
    private long leaf;

    public override ReadOnlySpan<byte> Key => key.AsSpan(0, keyLength);

    public override ReadOnlySpan<byte> Value => block.AsSpan(valueStart, valueLength);

    public override bool Seek(ReadOnlySpan<byte> target)
    {
        if (run.Leaves == 0) return false;
        Descend(target);
        while (Next())
        {
            if (Key.SequenceCompareTo(target) >= 0) return true;
        }

        return false;
    }

    /// <summary>Goes to the last entry at or before a key; false if there is none.</summary>
    public bool SeekFloor(ReadOnlySpan<byte> target)
    {
        if (run.Leaves == 0) return false;
        Descend(target);
        var end = RunFormat.EntriesEnd(block);
        byte[]? floor = null;
        while (offset < end)
        {
            MoveInBlock();
            if (Key.SequenceCompareTo(target) > 0) break;
            floor = Key.ToArray();
        }

        return floor is not null && Seek(floor);
    }

    public override bool Next()
    {
        if (offset >= RunFormat.EntriesEnd(block))
        {
            if (leaf + 1 >= run.Leaves) return false;
            Enter(++leaf);
        }

        MoveInBlock();
        return true;
    }

    // Follows the levels down to the leaf in which the key stands, if it stands anywhere.
    private void Descend(ReadOnlySpan<byte> target)
    {
        var number = run.Root;
        for (var level = run.Height; level > 0; level--)
        {
            Enter(number);
            var end = RunFormat.EntriesEnd(block);
            var isFirst = true;
            while (offset < end)
            {
                MoveInBlock();
                if (!isFirst && Key.SequenceCompareTo(target) > 0) break;
                number = Varint.Read(Value);
                isFirst = false;
            }
        }

        leaf = number;
        Enter(leaf);
    }

    private void Enter(long number)
    {
        block = run.Block(number);
        offset = RunFormat.EntriesStart;
        keyLength = 0;
    }

    private void MoveInBlock()
    {
        var shared = (int)Varint.Read(block, ref offset);
        var own = (int)Varint.Read(block, ref offset);
        valueLength = (int)Varint.Read(block, ref offset);
        keyLength = shared + own;
        if (key.Length < keyLength) Array.Resize(ref key, keyLength * 2);
        block.AsSpan(offset, own).CopyTo(key.AsSpan(shared));
        valueStart = offset + own;
        offset = valueStart + valueLength;
    }
}
