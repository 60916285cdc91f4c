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
    private const int ReadWrite = 2;
    private const int CloseOnExecLinux = 0x80000;
    private const int CloseOnExecMac = 0x1000000;
    private const int FullSync = 51;
    private const int WindowsDiskFull = unchecked((int)0x80070070);
    private const int WindowsHandleDiskFull = unchecked((int)0x80070027);

    private static int QuotaExceeded => OperatingSystem.IsMacOS() ? 69 : 122;

    public static bool MeansFull(IOException error) =>
        OperatingSystem.IsWindows()
            ? error.HResult is WindowsDiskFull or WindowsHandleDiskFull
            : error.HResult == NoSpace || error.HResult == QuotaExceeded;

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
        using var folder = OpenRaw(path, 0);
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

    /// <summary>Opens a file that is there for an exclusive lock; null if another open file holds it.</summary>
    public static SafeFileHandle? TryLock(string path, out SafeFileHandle opened)
    {
        opened = OpenRaw(path, ReadWrite | (OperatingSystem.IsMacOS() ? CloseOnExecMac : CloseOnExecLinux));
        var file = opened;
        var error = Repeat(() => Flock(file, LockExclusiveNow));
        if (error is WouldBlockLinux or WouldBlockMac) return null;
        return error == 0 ? opened : throw Failed("lock", path, error);
    }

    /// <summary>
    /// Frees a lock at once. Closing the handle alone would not, while a child process that is just starting has a copy of it.
    /// </summary>
    public static void Unlock(SafeFileHandle file) => Repeat(() => Flock(file, Unlocked));

    private static SafeFileHandle OpenRaw(string path, int flags)
    {
        int descriptor, error;
        do
        {
            descriptor = OpenFile(path, flags);
            error = descriptor < 0 ? Marshal.GetLastPInvokeError() : 0;
        }
        while (error == Interrupted);

        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw Failed("open", path, error);
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

    private static IOException Failed(string what, string path, int error) =>
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
