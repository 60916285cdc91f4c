using EventStore.FileSystem.Disk;

namespace EventStore.FileSystem.Tests.Simulation;

/// <summary>The power goes, or the process ends, in the middle of a call.</summary>
internal sealed class SimulatedCrash() : Exception("the machine stopped");

/// <summary>
/// A disk with a page cache, in memory and repeatable: what was not flushed may be lost sector by sector, in any order; directory entries that
/// were not flushed survive as a prefix; a failed flush loses its pages although they stay readable.
/// </summary>
internal sealed class SimulatedDisk(Random random) : IDisk
{
    private const int SectorBytes = 512;
    private readonly Dictionary<string, Node> cached = [];
    private readonly Dictionary<string, Node> durable = [];
    private readonly List<(string Folder, Action<Dictionary<string, Node>> Apply)> unflushedEntries = [];
    private bool isStopped;

    public string Root => "/simulated";

    /// <summary>Calls until the machine stops; null for never.</summary>
    public int? StopAfter { get; set; }

    /// <summary>Writes until one fails with this error; null for never.</summary>
    public (int After, IOException Error)? FailWrite { get; set; }

    /// <summary>Flushes until one fails; null for never.</summary>
    public int? FailSyncAfter { get; set; }

    public int WriteCount { get; private set; }

    public IEnumerable<string> Paths => cached.Keys.Order(StringComparer.Ordinal);

    public bool Exists(string path) => cached.ContainsKey(path);

    public void CreateFolder(string path) => Step();

    public IReadOnlyList<string> List(string folder)
    {
        var prefix = folder.Length == 0 ? "" : folder + "/";
        return [.. cached.Keys.Where(path => path.StartsWith(prefix, StringComparison.Ordinal) && !path[prefix.Length..].Contains('/', StringComparison.Ordinal)).Select(path => path[prefix.Length..]).Order(StringComparer.Ordinal)];
    }

    public IDiskFile Create(string path)
    {
        Step();
        var node = new Node();
        Change(FolderOf(path), entries => entries[path] = node);
        return new Handle(this, node);
    }

    public IDiskFile Open(string path, bool forWriting) => new Handle(this, cached.TryGetValue(path, out var node) ? node : throw new FileNotFoundException(path));

    public void Rename(string from, string to)
    {
        Step();
        Change(FolderOf(to), entries =>
        {
            if (entries.Remove(from, out var node)) entries[to] = node;
        });
    }

    public void Delete(string path)
    {
        Step();
        Change(FolderOf(path), entries => entries.Remove(path));
    }

    public void SyncFolder(string folder)
    {
        Step();
        foreach (var (_, apply) in unflushedEntries.Where(entry => entry.Folder == folder).ToArray()) apply(durable);
        unflushedEntries.RemoveAll(entry => entry.Folder == folder);
    }

    public IDisposable Lock(string path) => new MemoryStream();

    /// <summary>The process ended; the machine goes on with all it had in its cache.</summary>
    public void RestartProcess() => (isStopped, StopAfter, FailWrite, FailSyncAfter) = (false, null, null, null);

    /// <summary>The power went; what was not flushed survives by chance.</summary>
    public void RestartMachine()
    {
        RestartProcess();
        foreach (var folder in unflushedEntries.Select(entry => entry.Folder).Distinct().ToArray())
        {
            var entries = unflushedEntries.Where(entry => entry.Folder == folder).ToArray();
            foreach (var (_, apply) in entries.Take(random.Next(entries.Length + 1))) apply(durable);
        }

        unflushedEntries.Clear();
        cached.Clear();
        foreach (var (path, node) in durable)
        {
            node.Lose(random);
            cached[path] = node;
        }
    }

    /// <summary>A copy of all files as they are, to be damaged.</summary>
    public SimulatedDisk Copy()
    {
        var copy = new SimulatedDisk(random);
        foreach (var (path, node) in cached) copy.cached[path] = copy.durable[path] = node.Copy();
        return copy;
    }

    public byte[] Content(string path) => cached[path].Cached;

    public void Replace(string path, byte[]? content)
    {
        if (content is null) cached.Remove(path);
        else cached[path] = new Node { Cached = content, Durable = content.ToArray() };
    }

    private static string FolderOf(string path) => path.Contains('/', StringComparison.Ordinal) ? path[..path.IndexOf('/', StringComparison.Ordinal)] : "";

    private void Change(string folder, Action<Dictionary<string, Node>> apply)
    {
        apply(cached);
        unflushedEntries.Add((folder, apply));
    }

    private void Step()
    {
        if (isStopped || StopAfter-- <= 0)
        {
            isStopped = true;
            throw new SimulatedCrash();
        }
    }

    /// <summary>A file's bytes in the cache and on the medium, and the sectors in which the cache is newer.</summary>
    private sealed class Node
    {
        private readonly HashSet<int> dirty = [];

        public byte[] Cached { get; set; } = [];

        public byte[] Durable { get; set; } = [];

        public void Write(ReadOnlySpan<byte> from, long offset)
        {
            if (Cached.Length < offset + from.Length) SetLength(offset + from.Length);
            from.CopyTo(Cached.AsSpan((int)offset));
            for (var sector = (int)offset / SectorBytes; sector * SectorBytes < offset + from.Length; sector++) dirty.Add(sector);
        }

        public void SetLength(long length)
        {
            var changed = Cached;
            Array.Resize(ref changed, (int)length);
            Cached = changed;
        }

        public void Flush()
        {
            Durable = Merge(Cached.Length, dirty);
            dirty.Clear();
        }

        public void ForgetDirty() => dirty.Clear();

        public void Lose(Random random)
        {
            var length = random.Next(3) switch { 0 => Durable.Length, 1 => Cached.Length, _ => random.Next(Math.Min(Durable.Length, Cached.Length), Math.Max(Durable.Length, Cached.Length) + 1) };
            var kept = random.Next(4) switch { 0 => [], 1 => dirty.ToHashSet(), _ => dirty.Where(_ => random.Next(2) == 0).ToHashSet() };
            Durable = Merge(length, kept);
            Cached = Durable.ToArray();
            dirty.Clear();
        }

        public Node Copy() => new() { Cached = [.. Cached], Durable = [.. Cached] };

        private byte[] Merge(int length, HashSet<int> sectors)
        {
            var merged = new byte[length];
            Durable.AsSpan(0, Math.Min(length, Durable.Length)).CopyTo(merged);
            foreach (var sector in sectors)
            {
                var start = sector * SectorBytes;
                var count = Math.Min(SectorBytes, Math.Min(length, Cached.Length) - start);
                if (count > 0) Cached.AsSpan(start, count).CopyTo(merged.AsSpan(start));
            }

            return merged;
        }
    }

    private sealed class Handle(SimulatedDisk disk, Node node) : IDiskFile
    {
        public long Length => node.Cached.Length;

        public int Read(Span<byte> into, long offset)
        {
            if (offset >= node.Cached.Length) return 0;
            var part = node.Cached.AsSpan((int)offset);
            part = part[..Math.Min(part.Length, into.Length)];
            part.CopyTo(into);
            return part.Length;
        }

        public void Write(ReadOnlySpan<byte> from, long offset)
        {
            disk.WriteCount++;
            var part = from[..disk.random.Next(from.Length + 1)];
            if (disk.isStopped || disk.StopAfter <= 0)
            {
                if (!disk.isStopped) node.Write(part, offset);
                disk.Step();
            }

            disk.Step();
            if (disk.FailWrite is { } fail)
            {
                disk.FailWrite = (fail.After - 1, fail.Error);
                if (fail.After <= 0)
                {
                    node.Write(part, offset);
                    throw fail.Error;
                }
            }

            node.Write(from, offset);
        }

        public void SetLength(long length)
        {
            disk.Step();
            node.SetLength(length);
        }

        public void Allocate(long length)
        {
            disk.Step();
            if (disk.FailWrite is { After: <= 0, Error: DiskFullException full }) throw full;
            if (node.Cached.Length < length) node.SetLength(length);
        }

        public void Sync()
        {
            disk.Step();
            if (disk.FailSyncAfter-- == 0)
            {
                node.ForgetDirty();
                throw new IOException("the flush failed", 5);
            }

            node.Flush();
        }

        public void Dispose()
        {
        }
    }

    private readonly Random random = random;
}
