using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace EventStore.FileSystem.Disk;

/// <summary>
/// The calls of the operating system that .NET lacks, or whose failure it hides on Unix. Every result is checked; an interrupted call is
/// repeated.
/// </summary>
internal static partial class Native
{
    private const int Interrupted = 4;
    private const int WouldBlockLinux = 11;
    private const int WouldBlockMac = 35;
    private const int NoSpace = 28;
    private const int NotSupportedLinux = 95;
    private const int NotSupportedMac = 45;
    private const int InvalidArgument = 22;
    private const int NoSuchCall = 38;
    private const int LockExclusiveNow = 2 | 4;
    private const int Unlocked = 8;
    private const int NotFound = 2;
    private const int TooManyLinks = 40;
    private const int NoHandlesOfProcess = 24;
    private const int NoHandlesOfMachine = 23;
    private const int FullSync = 51;
    private const int WindowsDiskFull = unchecked((int)0x80070070);
    private const int WindowsHandleDiskFull = unchecked((int)0x80070027);
    private const int WindowsNoHandles = unchecked((int)0x80070004);

    private static int QuotaExceeded => OperatingSystem.IsMacOS() ? 69 : 122;

    public static bool MeansFull(IOException error) =>
        OperatingSystem.IsWindows()
            ? error.HResult is WindowsDiskFull or WindowsHandleDiskFull
            : error.HResult == NoSpace || error.HResult == QuotaExceeded;

    /// <summary>The shortage that an error means; null if it means another failure.</summary>
    public static DiskShortageException? ShortageOf(IOException error, string path)
    {
        if (MeansFull(error)) return new DiskFullException(path, error);
        if (error.HResult == (OperatingSystem.IsWindows() ? WindowsNoHandles : NoHandlesOfProcess))
            return new NoHandlesException(path, isMachine: false, error);
        return !OperatingSystem.IsWindows() && error.HResult == NoHandlesOfMachine
            ? new NoHandlesException(path, isMachine: true, error)
            : null;
    }

    /// <summary>The exception for a file that could not be opened.</summary>
    public static IOException OpenFailed(string path, int error, bool isNoFollow = false) => error switch
    {
        NotFound => new FileNotFoundException($"'{path}' was not found.", path),
        TooManyLinks when isNoFollow => new IOException(
            $"'{path}' is a link. A store writes to regular files only: remove the link.", error),
        NoHandlesOfProcess => new NoHandlesException(path, isMachine: false),
        NoHandlesOfMachine => new NoHandlesException(path, isMachine: true),
        _ when error == NoSpace || error == QuotaExceeded => new DiskFullException(path),
        _ => Failed("open", path, error),
    };

    /// <summary>Brings a file's data, and what is needed to read it again, to the medium.</summary>
    public static void SyncData(SafeFileHandle file, string path)
    {
        if (OperatingSystem.IsWindows())
        {
            if (!FlushFileBuffers(file)) throw Failed("flush", path, Marshal.GetLastPInvokeError());
            return;
        }

        if (OperatingSystem.IsMacOS())
        {
            // A plain fsync leaves the data in the drive's cache; it is used only on file systems that lack the full flush.
            var full = Repeat(() => Fcntl(file, FullSync));
            if (full is NotSupportedMac or InvalidArgument) full = Repeat(() => Fsync(file));
            if (full != 0) throw Failed("flush", path, full);
            return;
        }

        var error = Repeat(() => Fdatasync(file));
        if (error != 0) throw Failed("flush", path, error);
    }

    /// <summary>Makes the entries of a folder last. NTFS journals its own entries.</summary>
    public static void SyncFolder(string path)
    {
        if (OperatingSystem.IsWindows()) return;
        using var folder = OpenRaw(path);
        var error = Repeat(() => Fsync(folder));
        if (error != 0) throw Failed("flush the folder", path, error);
    }

    /// <summary>Allocates space up to a length; returns false where the file system cannot.</summary>
    public static bool TryAllocate(SafeFileHandle file, string path, long length)
    {
        if (!OperatingSystem.IsLinux()) return false;
        var error = Repeat(() => Fallocate(file, 0, 0, length));
        if (error is NotSupportedLinux or NoSuchCall or InvalidArgument) return false;
        if (error == NoSpace || error == QuotaExceeded) throw new DiskFullException(path);
        return error == 0 ? true : throw Failed("allocate", path, error);
    }

    /// <summary>Locks an open file exclusively; false if another open file holds the lock.</summary>
    public static bool TryLock(SafeFileHandle file, string path)
    {
        var error = Repeat(() => Flock(file, LockExclusiveNow));
        if (error is WouldBlockLinux or WouldBlockMac) return false;
        if (error == 0) return true;
        file.Dispose();
        throw Failed("lock", path, error);
    }

    /// <summary>
    /// Frees a lock at once. Closing the handle alone would not, while a child process that is just starting has a copy of it.
    /// </summary>
    public static void Unlock(SafeFileHandle file) => _ = Repeat(() => Flock(file, Unlocked));

    private static SafeFileHandle OpenRaw(string path)
    {
        int descriptor, error;
        do
        {
            descriptor = OpenFile(path, flags: 0);
            error = descriptor < 0 ? Marshal.GetLastPInvokeError() : 0;
        }
        while (error == Interrupted);

        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw OpenFailed(path, error);
    }

    // Returns the error number; 0 for success.
    private static int Repeat(Func<int> call)
    {
        while (call() < 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (error != Interrupted) return error;
        }

        return 0;
    }

    public static IOException Failed(string what, string path, int error) =>
        new($"The operating system could not {what} '{path}': {Marshal.GetPInvokeErrorMessage(error)} (error {error}).", error);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int Fdatasync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Fcntl(SafeFileHandle file, int command);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int Fallocate(SafeFileHandle file, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int Flock(SafeFileHandle file, int operation);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenFile(string path, int flags);

    [LibraryImport("kernel32", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool FlushFileBuffers(SafeFileHandle file);
}
