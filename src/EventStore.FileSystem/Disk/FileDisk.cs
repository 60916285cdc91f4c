using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace EventStore.FileSystem.Disk;

/// <summary>
/// The real disk: files below a folder of the operating system. Never maps a file, and flushes only through calls whose results are
/// checked.
/// </summary>
/// <param name="root">The folder of the store.</param>
/// <param name="permissions">The permissions of files that are created, on Unix.</param>
internal sealed class FileDisk(string root, UnixFileMode permissions = FileDisk.OwnerOnly) : IDisk
{
    /// <summary>Files for the user of the process alone.</summary>
    public const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public string Root { get; } = Path.GetFullPath(root);

    public long FreeBytes
    {
        get
        {
            try
            {
                return new DriveInfo(OperatingSystem.IsWindows() ? Path.GetPathRoot(Root) ?? Root : Root).AvailableFreeSpace;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
            {
                return long.MaxValue; // not known
            }
        }
    }

    public string? Obstacle
    {
        get
        {
            for (var path = Root; path is not null; path = Path.GetDirectoryName(path))
            {
                if (Paths.FindKind(path) is not { } kind) continue;
                return kind == Paths.Directory ? null : $"'{path}' is {kind}, not a directory.";
            }

            return null;
        }
    }

    public bool Exists(string path) => File.Exists(Full(path));

    public void CreateFolder(string path)
    {
        var full = Full(path);
        if (path.Length > 0 && new DirectoryInfo(full).LinkTarget is not null)
            throw new IOException(
                $"'{full}' is a link. A store writes to folders of its own only: remove the link, or mount the other folder in its place.");
        if (Directory.Exists(full)) return;
        TranslateErrors(path, () => OperatingSystem.IsWindows()
            ? Directory.CreateDirectory(full)
            : Directory.CreateDirectory(full, FolderPermissions));
        Native.SyncFolder(Path.GetDirectoryName(full)!);
    }

    public IReadOnlyList<string> List(string folder)
    {
        var full = Full(folder);
        return TranslateErrors<IReadOnlyList<string>>(folder, () => Directory.Exists(full)
            ? [.. Directory.EnumerateFiles(full).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)]
            : []);
    }

    public IDiskFile Create(string path) => TranslateErrors(path, () => new OpenFile(
        OperatingSystem.IsLinux()
            ? LinuxFiles.Create(Full(path), permissions)
            : File.OpenHandle(Full(path), FileMode.Create, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete),
        Full(path)));

    public IDiskFile Open(string path, bool forWriting) =>
        TranslateErrors(path, () => new OpenFile(OpenHandle(path, forWriting), Full(path)));

    public IDiskFile OpenLocked(string path) => TranslateErrors(path, () =>
    {
        // Windows does not let a file be deleted or replaced that is open, so the lock file is enough there.
        if (OperatingSystem.IsWindows()) return new OpenFile(OpenHandle(path, forWriting: false), Full(path));
        var handle = OpenHandle(path, forWriting: true);
        if (OperatingSystem.IsLinux() ? LinuxFiles.TryLock(handle, Full(path)) : Native.TryLock(handle, Full(path)))
            return new OpenFile(handle, Full(path), OperatingSystem.IsLinux() ? LinuxFiles.Unlock : Native.Unlock);
        handle.Dispose();
        throw new DiskLockedException(Full(path), "another process");
    });

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

    public IDisposable Lock(string path) => TranslateErrors(path, () =>
    {
        var full = Full(path);
        var handle = OperatingSystem.IsWindows() ? LockOnWindows(full) : LockOnUnix(full);
        var owner = Encoding.UTF8.GetBytes(
            $"process {Environment.ProcessId.ToString(CultureInfo.InvariantCulture)} on {Environment.MachineName}\n");
        try
        {
            RandomAccess.SetLength(handle, 0);
            RandomAccess.Write(handle, owner, 0);
        }
        catch (IOException error) when (Native.MeansFull(error))
        {
            // The text is only for messages; the lock holds without it.
        }

        return new OpenFile(handle, full, OperatingSystem.IsWindows() ? null : Native.Unlock);
    });

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

    // A user who may read the files may enter their folder.
    private UnixFileMode FolderPermissions => permissions | UnixFileMode.UserExecute
        | (permissions.HasFlag(UnixFileMode.GroupRead) ? UnixFileMode.GroupExecute : UnixFileMode.None);

    private SafeFileHandle OpenHandle(string path, bool forWriting) => OperatingSystem.IsLinux()
        ? LinuxFiles.Open(Full(path), forWriting)
        : File.OpenHandle(
            Full(path), FileMode.Open, forWriting ? FileAccess.ReadWrite : FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

    private SafeFileHandle LockOnUnix(string path)
    {
        var handle = OperatingSystem.IsLinux()
            ? LinuxFiles.OpenOrCreate(path, permissions)
            : File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        if (Native.TryLock(handle, path)) return handle;
        using (handle) throw new DiskLockedException(path, OwnerIn(handle));
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
        catch (IOException error) when (error is not DiskShortageException && Native.ShortageOf(error, path) is { } shortage)
        {
            throw shortage;
        }
        catch (UnauthorizedAccessException error)
        {
            // No permission, or on Windows a file that another process reads.
            throw new IOException(error.Message, error);
        }
    }

    private string Full(string path) => path.Length == 0 ? Root : Path.Combine(Root, path);
}
