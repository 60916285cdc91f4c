using System.Buffers;
using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;

namespace EventStore.FileSystem.Index;

/// <summary>Writes a run from entries in order. The run appears under its name only once it is on the medium.</summary>
internal sealed class RunWriter
{
    private readonly IDisk disk;
    private readonly IDiskFile file;
    private readonly string path;
    private readonly ulong seed;
    private readonly byte[] filter;
    private readonly long filterCells;
    private readonly byte[] block = new byte[RunFormat.BlockLength];
    private readonly byte[] output = ArrayPool<byte>.Shared.Rent(16 * RunFormat.BlockLength);
    private int outputLength;
    private long blockNumber;
    private int used = RunFormat.EntriesStart;
    private readonly KeptKey previousKey = new();
    private readonly KeptKey lastFiltered = new();
    private long filterKeys;
    private List<(byte[] Key, long Block)> firstKeys = [];

    public RunWriter(IDisk disk, ulong storeSeed, long id, long expectedFilterKeys)
    {
        (this.disk, path, seed) = (disk, RunFormat.PathOf(id), storeSeed ^ (ulong)id);
        var cells = Math.Max(1, (expectedFilterKeys * RunFormat.FilterBitsPerKey / (RunFormat.FilterCellLength * 8)) + 1);
        var blocks = (cells + RunFormat.FilterCellsPerBlock - 1) / RunFormat.FilterCellsPerBlock;
        filterCells = cells;
        filter = new byte[blocks * RunFormat.BlockLength];
        file = disk.Create(path + ".tmp");
    }

    public void Add(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        AddEntry(key, value);
        var filtered = IndexKeys.FilteredPart(key);
        if (filtered.IsEmpty || filtered.SequenceEqual(lastFiltered.Key)) return;
        lastFiltered.Keep(filtered);
        filterKeys++;
        var hash = RunFormat.HashOf(filtered);
        var cell = RunFormat.CellOf(hash, filterCells);
        var (number, index) = Math.DivRem(cell, RunFormat.FilterCellsPerBlock);
        var start = (int)((number * RunFormat.BlockLength) + (index * RunFormat.FilterCellLength));
        RunFormat.SetBits(filter.AsSpan(start, RunFormat.FilterCellLength), hash);
    }

    /// <summary>Completes the run, which covers a part of the log, and publishes it.</summary>
    public void Finish(long id, long from, long to)
    {
        EndBlock();
        var leaves = blockNumber;
        var height = 0;
        while (firstKeys.Count > 1)
        {
            var below = firstKeys;
            firstKeys = [];
            height++;
            foreach (var (key, number) in below) AddEntry(key, Varint.Of(number));
            EndBlock();
        }

        var (root, filterStart) = (blockNumber - 1, blockNumber);
        for (var offset = 0; offset < filter.Length; offset += RunFormat.BlockLength)
            WriteBlock(filter.AsSpan(offset, RunFormat.BlockLength));
        RunFormat.WriteFoot(block, new RunFoot(id, from, to, leaves, root, height, filterStart, filterCells, filterKeys));
        WriteBlock(block);
        WriteOutput();
        file.Sync();
        file.Dispose();
        disk.Rename(path + ".tmp", path);
        disk.SyncFolder(RunFormat.Folder);
        ArrayPool<byte>.Shared.Return(output);
    }

    public void Abandon()
    {
        file.Dispose();
        ArrayPool<byte>.Shared.Return(output);
        disk.TryDelete(path + ".tmp");
    }

    private void AddEntry(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        if (used + key.Length + value.Length + RunFormat.MaxEntryHeadLength > RunFormat.BlockPayload) EndBlock();
        if (used == RunFormat.EntriesStart)
        {
            firstKeys.Add((key.ToArray(), blockNumber));
            previousKey.Keep([]);
        }

        var shared = key.CommonPrefixLength(previousKey.Key);
        used += RunFormat.WriteEntry(block.AsSpan(used), key, shared, value);
        previousKey.Keep(key);
    }

    private void EndBlock()
    {
        if (used == RunFormat.EntriesStart) return;
        RunFormat.SetEntriesEnd(block, used);
        block.AsSpan(used).Clear();
        WriteBlock(block);
        used = RunFormat.EntriesStart;
    }

    private void WriteBlock(Span<byte> full)
    {
        if (outputLength == output.Length) WriteOutput();
        RunFormat.SealBlock(full, seed, blockNumber++);
        full.CopyTo(output.AsSpan(outputLength));
        outputLength += full.Length;
    }

    private void WriteOutput()
    {
        file.Write(output.AsSpan(0, outputLength), (blockNumber * RunFormat.BlockLength) - outputLength);
        outputLength = 0;
    }

    // A key that is remembered, in space that is used again and again.
    private sealed class KeptKey
    {
        private byte[] bytes = new byte[256];
        private int length;

        public ReadOnlySpan<byte> Key => bytes.AsSpan(0, length);

        public void Keep(ReadOnlySpan<byte> key)
        {
            if (bytes.Length < key.Length) bytes = new byte[key.Length * 2];
            key.CopyTo(bytes);
            length = key.Length;
        }
    }
}
