using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace EventStore.FileSystem.Disk;

/// <summary>Which file it is, whatever its name.</summary>
internal readonly record struct FileIdentity(ulong Device, ulong Inode);

/// <summary>
/// Opens and identifies files of Linux, with what .NET lacks. What is written to is never a link or a device. Permissions are set when a
/// file is created.
/// </summary>
internal static partial class LinuxFiles
{
    private const int ReadWrite = 2;
    private const int CreateIfMissing = 0x40;
    private const int Truncate = 0x200;
    private const int CloseOnExec = 0x80000;
    private const int WithoutWaiting = 0x800; // for the other end of a pipe
    private const int Interrupted = 4;
    private const int WouldBlock = 11;
    private const int Denied = 13;
    private const int Unknown = 22;
    private const int LockOfOpening = 37;
    private const short WriteLock = 1;
    private const short NoLock = 2;
    private const int LockLength = 32;
    private const int NotFound = 2;
    private const int NotAFolder = 20;
    private const int TooManyLinks = 40;
    private const int EmptyPath = 0x1000;
    private const int NoFollowOfStatus = 0x100;
    private const int Here = -100;
    private const uint TypeAndInode = 0x101;

    // Layout of struct statx, which is the same on every architecture.
    private const int StatusLength = 256;
    private const int ModeAt = 28;
    private const int InodeAt = 32;
    private const int DeviceAt = 136;
    private const int TypeMask = 0xF000;
    private const int RegularFile = 0x8000;

    private static int NoFollow => RuntimeInformation.ProcessArchitecture is Architecture.Arm or Architecture.Arm64 ? 0x8000 : 0x20000;

    /// <summary>Opens a file that exists.</summary>
    /// <exception cref="FileNotFoundException">It does not exist.</exception>
    /// <exception cref="IOException">It cannot be opened; it is no regular file; or it is a link and is to be written to.</exception>
    public static SafeFileHandle Open(string path, bool forWriting) =>
        Checked(path, OpenRaw(path, forWriting ? ReadWrite | NoFollow : WithoutWaiting, 0));

    /// <summary>Creates an empty file; empties an existing one.</summary>
    /// <param name="path">The file.</param>
    /// <param name="permissions">Its permissions if it is created; the umask may narrow them.</param>
    /// <exception cref="IOException">It cannot be created; or there is a link, or no regular file.</exception>
    public static SafeFileHandle Create(string path, UnixFileMode permissions) =>
        Checked(path, OpenRaw(path, ReadWrite | NoFollow | CreateIfMissing | Truncate, (int)permissions));

    /// <summary>Opens a file, which is created if it is missing.</summary>
    public static SafeFileHandle OpenOrCreate(string path, UnixFileMode permissions) =>
        Checked(path, OpenRaw(path, ReadWrite | NoFollow | CreateIfMissing, (int)permissions));

    /// <summary>
    /// Locks an open file until it is closed; false if another opening holds the lock. Programs that only read or copy the file, and lock
    /// it as .NET does, are not disturbed.
    /// </summary>
    public static bool TryLock(SafeFileHandle file, string path)
    {
        var error = Lock(file, WriteLock);
        if (error is WouldBlock or Denied) return false;
        if (error is 0 or Unknown) return true; // on an old system the lock file has to do
        file.Dispose();
        throw Native.Failed("lock", path, error);
    }

    /// <summary>
    /// Frees a lock at once. Closing the handle alone would not, while a child process that is just starting has a copy of it.
    /// </summary>
    public static void Unlock(SafeFileHandle file) => Lock(file, NoLock);

    // Returns the error number; 0 for success.
    private static int Lock(SafeFileHandle file, short kind)
    {
        Span<short> request = stackalloc short[LockLength / sizeof(short)];
        request.Clear(); // from the beginning to the end
        request[0] = kind;
        while (SetLock(file, LockOfOpening, ref MemoryMarshal.GetReference(request)) < 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (error != Interrupted) return error;
        }

        return 0;
    }

    /// <summary>Which file is open; null if the system does not say.</summary>
    public static FileIdentity? Identify(SafeFileHandle file)
    {
        Span<byte> status = stackalloc byte[StatusLength];
        return StatusOfHandle(file, "", EmptyPath, TypeAndInode, ref MemoryMarshal.GetReference(status)) == 0 ? IdentityIn(status) : null;
    }

    /// <summary>Whether a path leads to a file. True if the system does not say.</summary>
    public static bool LeadsTo(string path, FileIdentity file)
    {
        Span<byte> status = stackalloc byte[StatusLength];
        if (StatusOfPath(Here, path, NoFollowOfStatus, TypeAndInode, ref MemoryMarshal.GetReference(status)) == 0)
            return IdentityIn(status) == file;
        return Marshal.GetLastPInvokeError() is not (NotFound or NotAFolder or TooManyLinks);
    }

    private static FileIdentity IdentityIn(ReadOnlySpan<byte> status) =>
        new(MemoryMarshal.Read<ulong>(status[DeviceAt..]), MemoryMarshal.Read<ulong>(status[InodeAt..]));

    private static SafeFileHandle Checked(string path, SafeFileHandle opened)
    {
        Span<byte> status = stackalloc byte[StatusLength];
        if (StatusOfHandle(opened, "", EmptyPath, TypeAndInode, ref MemoryMarshal.GetReference(status)) != 0) return opened;
        if ((MemoryMarshal.Read<ushort>(status[ModeAt..]) & TypeMask) == RegularFile) return opened;
        opened.Dispose();
        throw new IOException($"'{path}' is no regular file. A store has regular files only: remove it.");
    }

    private static SafeFileHandle OpenRaw(string path, int flags, int permissions)
    {
        while (true)
        {
            var descriptor = OpenFile(path, flags | CloseOnExec, permissions);
            if (descriptor >= 0) return new SafeFileHandle(descriptor, ownsHandle: true);
            var error = Marshal.GetLastPInvokeError();
            if (error != Interrupted) throw Native.OpenFailed(path, error, isNoFollow: (flags & NoFollow) != 0);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenFile(string path, int flags, int permissions);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int SetLock(SafeFileHandle file, int command, ref short request);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatusOfPath(int folder, string path, int flags, uint wanted, ref byte status);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatusOfHandle(SafeFileHandle file, string path, int flags, uint wanted, ref byte status);
}
