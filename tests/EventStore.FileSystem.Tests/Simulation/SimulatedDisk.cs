using EventStore.FileSystem.Disk;

namespace EventStore.FileSystem.Tests.Simulation;

/// <summary>The power goes, or the process ends, in the middle of a call.</summary>
internal sealed class SimulatedCrash() : Exception("the machine stopped");

/// <summary>The calls to a disk that change something.</summary>
[Flags]
internal enum DiskCalls
{
    None = 0,
    Write = 1,
    Space = 2,
    Sync = 4,
    Entry = 8,
    SyncFolder = 16,
    All = 31,
}

/// <summary>What the disk does wrong: one call of some kinds, or all of them from then on, fail.</summary>
/// <param name="Calls">The kinds.</param>
/// <param name="After">Calls of these kinds that still succeed.</param>
/// <param name="IsFull">Whether it says that it is full; otherwise that it is broken.</param>
/// <param name="Lasts">Whether all later calls fail too.</param>
internal sealed record DiskFailure(DiskCalls Calls, int After, bool IsFull = false, bool Lasts = false);

/// <summary>
/// A disk with a page cache, in memory and repeatable: what was not flushed may be lost sector by sector, in any order; directory entries
/// that were not flushed survive as a prefix; a failed flush loses its pages although they stay readable.
/// </summary>
internal sealed class SimulatedDisk(Random random, int sectorBytes = 512) : IDisk
{
    private readonly Dictionary<string, SimulatedFile> cached = [];
    private readonly Dictionary<string, SimulatedFile> durable = [];
    private readonly List<EntryChange> unflushed = [];
    private int failureCalls;
    private bool isLocked;

    // Null for never, and for none.
    private int? callsToStop;
    private DiskFailure? failure;

    public string Root => "/simulated";

    public bool IsStopped { get; private set; }

    /// <summary>Calls that failed since the process began.</summary>
    public int FailedCalls { get; private set; }

    /// <summary>Calls that changed something so far.</summary>
    public int CallCount { get; private set; }

    /// <summary>Stops the machine after so many calls that change something.</summary>
    public void StopAfter(int calls) => callsToStop = calls;

    /// <summary>Injects a failure.</summary>
    public void FailWith(DiskFailure injected) => (failure, failureCalls) = (injected, 0);

    /// <summary>Takes the injected failure away.</summary>
    public void Repair() => failure = null;

    /// <summary>Lets the machine run on.</summary>
    public void RunOn() => callsToStop = null;

    public IEnumerable<string> Paths => cached.Keys.Order(StringComparer.Ordinal);

    public bool Exists(string path) => cached.ContainsKey(path);

    public void CreateFolder(string path) => Take(DiskCalls.Entry);

    public IReadOnlyList<string> List(string folder)
    {
        var names = new List<string>();
        foreach (var path in cached.Keys)
        {
            if (FolderOf(path).SequenceEqual(folder)) names.Add(folder.Length == 0 ? path : path[(folder.Length + 1)..]);
        }

        names.Sort(StringComparer.Ordinal);
        return names;
    }

    public IDiskFile Create(string path)
    {
        Take(DiskCalls.Entry);
        if (cached.TryGetValue(path, out var there)) there.SetLength(0);
        else Change(new EntryChange(null, path, there = new SimulatedFile(sectorBytes)));
        return new Handle(this, there);
    }

    public IDiskFile Open(string path, bool forWriting) =>
        new Handle(this, cached.TryGetValue(path, out var file) ? file : throw new FileNotFoundException(path));

    public void Rename(string from, string to)
    {
        Take(DiskCalls.Entry);
        Change(new EntryChange(from, to, cached[from]));
    }

    public void Delete(string path)
    {
        Take(DiskCalls.Entry);
        Change(new EntryChange(path, null, null));
    }

    public void SyncFolder(string folder)
    {
        Take(DiskCalls.SyncFolder);
        foreach (var change in unflushed)
        {
            if (change.IsIn(folder)) change.Apply(durable);
        }

        unflushed.RemoveAll(change => change.IsIn(folder));
    }

    public IDisposable Lock(string path)
    {
        if (isLocked) throw new DiskLockedException(path, "process 1");
        using (var file = Exists(path) ? Open(path, forWriting: true) : Create(path)) file.Write("process 1 on simulated\n"u8, 0);
        isLocked = true;
        return new Holder(this);
    }

    /// <summary>The process ended; the machine keeps everything in its cache.</summary>
    public void RestartProcess() => (IsStopped, callsToStop, failure, FailedCalls, isLocked) = (false, null, null, 0, false);

    /// <summary>The power went; what was not flushed survives by chance.</summary>
    public void RestartMachine()
    {
        RestartProcess();
        foreach (var folder in unflushed.Select(change => change.Folder).Distinct().ToArray())
        {
            var changes = unflushed.Where(change => change.IsIn(folder)).ToArray();
            foreach (var change in changes.AsSpan(0, random.Next(changes.Length + 1))) change.Apply(durable);
        }

        unflushed.Clear();
        cached.Clear();
        foreach (var (path, file) in durable)
        {
            file.Lose(random);
            cached[path] = file;
        }
    }

    /// <summary>A copy of all files as they are, to be damaged.</summary>
    public SimulatedDisk Copy()
    {
        var copy = new SimulatedDisk(random, sectorBytes);
        foreach (var (path, file) in cached) copy.cached[path] = copy.durable[path] = file.Copy();
        return copy;
    }

    public byte[] Content(string path) => cached[path].Content.ToArray();

    public void Flip(string path, int at, int bit)
    {
        Span<byte> flipped = [(byte)(cached[path].Content[at] ^ (1 << bit))];
        cached[path].Write(flipped, at);
        cached[path].Flush();
    }

    public void Cut(string path, int length)
    {
        cached[path].SetLength(length);
        cached[path].Flush();
    }

    public void Remove(string path)
    {
        cached.Remove(path);
        durable.Remove(path);
    }

    private static ReadOnlySpan<char> FolderOf(string path) => path.AsSpan(0, Math.Max(0, path.IndexOf('/', StringComparison.Ordinal)));

    private void Change(EntryChange change)
    {
        change.Apply(cached);
        unflushed.Add(change);
    }

    private void Take(DiskCalls call)
    {
        if (Meet(call) is { } error) throw error;
    }

    // Counts a call; returns its failure, null for success.
    private Exception? Meet(DiskCalls call)
    {
        CallCount++;
        if (IsStopped || callsToStop-- <= 0)
        {
            IsStopped = true;
            return new SimulatedCrash();
        }

        if (failure is not { } injected || (injected.Calls & call) == DiskCalls.None || failureCalls++ < injected.After) return null;
        FailedCalls++;
        if (!injected.Lasts) failure = null;
        return injected.IsFull ? new DiskFullException("simulated") : new IOException("the disk failed", 5);
    }

    /// <summary>A directory entry that appears, vanishes or moves.</summary>
    private readonly record struct EntryChange(string? From, string? To, SimulatedFile? File)
    {
        public string Folder => FolderOf(To ?? From!).ToString();

        public bool IsIn(string folder) => FolderOf(To ?? From!).SequenceEqual(folder);

        public void Apply(Dictionary<string, SimulatedFile> entries)
        {
            if (From is not null) entries.Remove(From);
            if (To is not null) entries[To] = File!;
        }
    }

    private sealed class Holder(SimulatedDisk disk) : IDisposable
    {
        public void Dispose() => disk.isLocked = false;
    }

    private sealed class Handle(SimulatedDisk disk, SimulatedFile file) : IDiskFile
    {
        private bool isClosed;

        public long Length => Opened.Length;

        private SimulatedFile Opened => isClosed ? throw new ObjectDisposedException(nameof(IDiskFile)) : file;

        public int Read(Span<byte> into, long offset) => Opened.Read(into, offset);

        public void Write(ReadOnlySpan<byte> from, long offset)
        {
            var wasStopped = disk.IsStopped;
            var error = disk.Meet(DiskCalls.Write);
            if (!wasStopped) Opened.Write(error is null ? from : from[..disk.random.Next(from.Length + 1)], offset);
            if (error is not null) throw error;
        }

        public void SetLength(long length)
        {
            // Freeing space needs none.
            disk.Take(disk.failure is { IsFull: true } && length <= file.Length ? DiskCalls.None : DiskCalls.Space);
            Opened.SetLength(length);
        }

        public void Allocate(long length)
        {
            disk.Take(DiskCalls.Space);
            if (Opened.Length < length) Opened.SetLength(length);
        }

        public void Sync()
        {
            var error = disk.Meet(DiskCalls.Sync);
            if (error is IOException) Opened.Forget();
            if (error is not null) throw error;
            Opened.Flush();
        }

        public void Dispose() => isClosed = true;
    }

    private readonly Random random = random;
}
