using EventStore.FileSystem.Disk;

namespace EventStore.FileSystem.Tests;

/// <summary>A disk on which one call that changes something fails, or whose files are not what was written.</summary>
internal sealed class FailingDisk(IDisk disk) : IDisk
{
    private int left = int.MaxValue;
    private IOException? error;

    public string Root => disk.Root;

    /// <summary>The file or folder at which it failed.</summary>
    public string? FailedAt { get; private set; }

    /// <summary>Files of which a byte arrives changed.</summary>
    public Func<string, bool> Spoils { get; init; } = static _ => false;

    /// <summary>Files and folders at which every call fails.</summary>
    public Func<string, bool> Fails { get; init; } = static _ => false;

    public void FailAfter(int calls, IOException failure) => (left, error) = (calls, failure);

    public bool Exists(string path) => disk.Exists(path);

    public void CreateFolder(string path) => disk.CreateFolder(path);

    public IReadOnlyList<string> List(string folder) => disk.List(folder);

    public IDiskFile Create(string path)
    {
        Count(path);
        return new File(this, path, disk.Create(path));
    }

    public IDiskFile Open(string path, bool forWriting) => new File(this, path, disk.Open(path, forWriting));

    public IDiskFile OpenLocked(string path) => new File(this, path, disk.OpenLocked(path));

    public void Rename(string from, string to)
    {
        Count(from);
        disk.Rename(from, to);
    }

    public void Delete(string path)
    {
        Count(path);
        disk.Delete(path);
    }

    public void SyncFolder(string folder)
    {
        Count(folder);
        disk.SyncFolder(folder);
    }

    public IDisposable Lock(string path) => disk.Lock(path);

    private void Count(string path)
    {
        if (Fails(path)) throw new DiskFullException(path);
        if (left-- != 0) return;
        FailedAt = path;
        throw error!;
    }

    private sealed class File(FailingDisk owner, string path, IDiskFile file) : IDiskFile
    {
        public long Length => file.Length;

        public bool IsAt(string fullPath) => file.IsAt(fullPath);

        public int Read(Span<byte> into, long offset) => file.Read(into, offset);

        public void Write(ReadOnlySpan<byte> from, long offset)
        {
            owner.Count(path);
            var arrives = from.ToArray();
            if (owner.Spoils(path) && arrives.Length > 0) arrives[arrives.Length / 2] ^= 8;
            file.Write(arrives, offset);
        }

        public void SetLength(long length)
        {
            owner.Count(path);
            file.SetLength(length);
        }

        public void Allocate(long length) => file.Allocate(length);

        public void Sync()
        {
            owner.Count(path);
            file.Sync();
        }

        public void Dispose() => file.Dispose();
    }
}
