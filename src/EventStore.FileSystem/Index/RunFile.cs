using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;

namespace EventStore.FileSystem.Index;

/// <summary>
/// An immutable run of the index, read block by block. Only blocks that were read are kept in memory, in a bounded cache.
/// </summary>
internal sealed class RunFile : IDisposable
{
    private readonly IDiskFile file;
    private readonly BlockCache cache;
    private readonly ulong seed;
    private readonly RunFoot foot;

    // Blocks of the filter, loaded on first use. Racing loads store equal blocks.
    private readonly byte[]?[] filter;

    private KnownRange? commitIds;

    private RunFile(RunFolder folder, IDiskFile file, RunFoot foot, int level)
    {
        (cache, seed, this.file, this.foot, Level) = (folder.Cache, SeedOf(folder, foot.Id), file, foot, level);
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

    /// <summary>The commit ids it may hold, read on first use.</summary>
    public CommitIdRange CommitIds => (commitIds ??= ReadCommitIds()).Range;

    public static RunFile Open(RunFolder folder, RunEntry run)
    {
        var path = RunFormat.PathOf(run.Id);
        if (!folder.Disk.Exists(path)) throw new IndexDamageException(path, "the run is missing.");
        var opened = folder.Disk.Open(path, forWriting: false);
        try
        {
            var (blocks, rest) = Math.DivRem(opened.Length, RunFormat.BlockLength);
            if (blocks == 0 || rest != 0) throw new IndexDamageException(path, "the run does not consist of whole blocks.");
            var last = new byte[RunFormat.BlockLength];
            opened.Read(last, (blocks - 1) * RunFormat.BlockLength);
            if (!RunFormat.IsBlock(last, SeedOf(folder, run.Id), blocks - 1) || RunFormat.ReadFoot(last, blocks) is not { } foot)
                throw new IndexDamageException(path, "the foot of the run is damaged.");
            if (foot.Id != run.Id || foot.From != run.From || foot.To != run.To)
                throw new IndexDamageException(path, "the run covers another part of the log than the checkpoint says.");
            return new RunFile(folder, opened, foot, run.Level);
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
        if (number < 0 || number >= foot.FilterStart) throw Damaged(number);
        var block = Load(number);
        if (!IsSound(block, number)) throw Damaged(number);
        cache.Keep(Id, number, block);
        return block;
    }

    /// <summary>The length of the file in bytes.</summary>
    public long Length => file.Length;

    /// <summary>Reads the bytes of the file, for a copy.</summary>
    public int ReadRaw(Span<byte> into, long offset) => file.Read(into, offset);

    /// <summary>Reads every block from the disk; returns the numbers of those that are damaged.</summary>
    public IEnumerable<long> DamagedBlocks()
    {
        var block = new byte[RunFormat.BlockLength];
        var blocks = file.Length / RunFormat.BlockLength;
        for (var number = 0L; number < blocks; number++)
        {
            var read = file.Read(block, number * RunFormat.BlockLength);
            if (read != block.Length || !RunFormat.IsBlock(block, seed, number) || !IsSound(block, number)) yield return number;
        }
    }

    public void Dispose() => file.Dispose();

    private static ulong SeedOf(RunFolder folder, long id) => folder.Seed ^ (ulong)id;

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
            throw Damaged(number);
        return block;
    }

    // Behind the entries stand the filter and the foot.
    private bool IsSound(byte[] block, long number) =>
        number >= foot.FilterStart || RunBlock.IsSound(block, number < foot.Leaves ? null : number);

    private IndexDamageException Damaged(long number) => new(Path, $"block {number} of the run is damaged.");
}

/// <summary>A range that was read.</summary>
internal sealed record KnownRange(CommitIdRange Range);
