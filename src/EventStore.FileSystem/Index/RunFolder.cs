using System.Globalization;
using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;

namespace EventStore.FileSystem.Index;

/// <summary>The folder of the runs of a store: opens, writes and deletes their files.</summary>
internal sealed class RunFolder
{
    private readonly IDisk disk;
    private long lastRunId;

    /// <param name="disk">The disk.</param>
    /// <param name="storeId">The store.</param>
    /// <param name="cacheSlots">The number of blocks to keep in memory.</param>
    public RunFolder(IDisk disk, Guid storeId, int cacheSlots = 4096)
    {
        (this.disk, StoreId, Seed, Cache) = (disk, storeId, Format.SeedOf(storeId), new BlockCache(cacheSlots));
        lastRunId = Ids().DefaultIfEmpty(0).Max();
    }

    public IDisk Disk => disk;

    public Guid StoreId { get; }

    /// <summary>The seed of the store's checksums.</summary>
    public ulong Seed { get; }

    /// <summary>Keeps blocks of runs that were read.</summary>
    public BlockCache Cache { get; }

    /// <summary>Opens a run that a checkpoint names.</summary>
    /// <exception cref="IndexDamageException">It is missing or damaged.</exception>
    public RunFile Open(RunEntry run) => RunFile.Open(this, run);

    /// <summary>Writes a run and opens it.</summary>
    /// <param name="level">How often its entries were merged.</param>
    /// <param name="from">The address from which on it covers the log.</param>
    /// <param name="to">The address up to which it covers the log.</param>
    /// <param name="filterKeys">How many keys its filter gets at most.</param>
    /// <param name="fill">Adds the entries, in order.</param>
    public RunFile Write(int level, long from, long to, long filterKeys, Action<RunWriter> fill)
    {
        var id = Interlocked.Increment(ref lastRunId);
        var writer = new RunWriter(disk, Seed, id, filterKeys);
        try
        {
            fill(writer);
            writer.Finish(id, from, to);
        }
        catch
        {
            writer.Abandon();
            throw;
        }

        return Open(new RunEntry(id, level, from, to));
    }

    /// <summary>Deletes the file of a run. Handles of readers stay valid.</summary>
    public void TryDelete(RunFile run) => disk.TryDelete(run.Path);

    /// <summary>Deletes everything but some runs.</summary>
    public void KeepOnly(IEnumerable<RunFile> runs)
    {
        foreach (var name in disk.List(RunFormat.Folder).Where(name => name.EndsWith(".tmp", StringComparison.Ordinal)))
            disk.TryDelete($"{RunFormat.Folder}/{name}");
        foreach (var id in Ids().Except(runs.Select(run => run.Id)).ToArray()) disk.TryDelete(RunFormat.PathOf(id));
    }

    private IEnumerable<long> Ids() => disk.List(RunFormat.Folder)
        .Where(name => name.EndsWith(".run", StringComparison.Ordinal))
        .Select(IdIn)
        .Where(RunFormat.IsId);

    private static long IdIn(string name) =>
        long.TryParse(name.AsSpan(0, name.Length - 4), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var id) ? id : 0;
}
