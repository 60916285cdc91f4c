using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace EventStore.FileSystem.Disk;

/// <summary>
/// The real disk: files below a folder of the operating system. Never maps a file, and flushes only through calls whose results are
/// checked.
/// </summary>
internal sealed class FileDisk(string root) : IDisk
{
    public string Root { get; } = Path.GetFullPath(root);

    public bool Exists(string path) => File.Exists(Full(path));

    public void CreateFolder(string path)
    {
        var full = Full(path);
        if (Directory.Exists(full)) return;
        Directory.CreateDirectory(full);
        Native.SyncFolder(Path.GetDirectoryName(full)!);
    }

    public IReadOnlyList<string> List(string folder)
    {
        var full = Full(folder);
        return Directory.Exists(full)
            ? [.. Directory.EnumerateFiles(full).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)]
            : [];
    }

    public IDiskFile Create(string path) =>
        TranslateErrors(path, () => new OpenFile(Full(path), FileMode.Create, FileAccess.ReadWrite));

    public IDiskFile Open(string path, bool forWriting) =>
        TranslateErrors(path, () => new OpenFile(Full(path), FileMode.Open, forWriting ? FileAccess.ReadWrite : FileAccess.Read));

    public void Rename(string from, string to) => TranslateErrors(to, () =>
    {
        File.Move(Full(from), Full(to), overwrite: true);
        return 0;
    });

    public void Delete(string path) => TranslateErrors(path, () =>
    {
        File.Delete(Full(path));
        return 0;
    });

    public void SyncFolder(string folder) => Native.SyncFolder(Full(folder));

    public IDisposable Lock(string path)
    {
        var full = Full(path);
        var handle = OperatingSystem.IsWindows() ? LockOnWindows(full) : LockOnUnix(full);
        var owner = Encoding.UTF8.GetBytes(
            $"process {Environment.ProcessId.ToString(CultureInfo.InvariantCulture)} on {Environment.MachineName}\n");
        RandomAccess.SetLength(handle, 0);
        RandomAccess.Write(handle, owner, 0);
        return new HeldLock(handle);
    }

    public IDisposable? Watch(string path, Action changed)
    {
        var watcher = new FileSystemWatcher(Root, path) { NotifyFilter = NotifyFilters.LastWrite | NotifyFilters.FileName };
        try
        {
            watcher.Changed += (_, _) => changed();
            watcher.Created += (_, _) => changed();
            watcher.EnableRaisingEvents = true;
            return watcher;
        }
        catch (Exception error) when (error is IOException or ArgumentException)
        {
            watcher.Dispose(); // the limit of watchers is reached, or the folder is gone
            return null;
        }
    }

    private static SafeFileHandle LockOnUnix(string path)
    {
        if (!File.Exists(path))
        {
            using var made = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        }

        if (Native.TryLock(path, out var opened) is { } locked) return locked;
        using (opened) throw new DiskLockedException(path, OwnerIn(opened));
    }

    private static SafeFileHandle LockOnWindows(string path)
    {
        try
        {
            return File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        }
        catch (IOException) when (File.Exists(path))
        {
            using var reading = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            throw new DiskLockedException(path, OwnerIn(reading));
        }
    }

    private static string OwnerIn(SafeFileHandle file)
    {
        Span<byte> text = stackalloc byte[200];
        var length = RandomAccess.Read(file, text, 0);
        return length == 0 ? "another process" : Encoding.UTF8.GetString(text[..length]).Trim();
    }

    private static T TranslateErrors<T>(string path, Func<T> act)
    {
        try
        {
            return act();
        }
        catch (IOException error) when (error is not DiskFullException && Native.MeansFull(error))
        {
            throw new DiskFullException(path, error);
        }
        catch (UnauthorizedAccessException error)
        {
            throw new IOException(error.Message, error); // Windows reports this for a file that another process reads
        }
    }

    private string Full(string path) => path.Length == 0 ? Root : Path.Combine(Root, path);

    private sealed class HeldLock(SafeFileHandle handle) : IDisposable
    {
        public void Dispose()
        {
            if (!OperatingSystem.IsWindows() && !handle.IsClosed) Native.Unlock(handle);
            handle.Dispose();
        }
    }

    private sealed class OpenFile(string path, FileMode mode, FileAccess access) : IDiskFile
    {
        private readonly SafeFileHandle handle = File.OpenHandle(path, mode, access, FileShare.ReadWrite | FileShare.Delete);

        public long Length => RandomAccess.GetLength(handle);

        public int Read(Span<byte> into, long offset)
        {
            var total = 0;
            while (total < into.Length)
            {
                var read = RandomAccess.Read(handle, into[total..], offset + total);
                if (read == 0) break;
                total += read;
            }

            return total;
        }

        public void Write(ReadOnlySpan<byte> from, long offset)
        {
            try
            {
                RandomAccess.Write(handle, from, offset);
            }
            catch (IOException error) when (Native.MeansFull(error))
            {
                throw new DiskFullException(path, error);
            }
        }

        public void SetLength(long length) => RandomAccess.SetLength(handle, length);

        public void Allocate(long length) => Native.TryAllocate(handle, path, length);

        public void Sync() => Native.SyncData(handle, path);

        public void Dispose() => handle.Dispose();
    }
}
