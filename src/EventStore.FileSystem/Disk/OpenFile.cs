using Microsoft.Win32.SafeHandles;

namespace EventStore.FileSystem.Disk;

/// <summary>A file of the real disk that is open.</summary>
/// <param name="handle">Its handle.</param>
/// <param name="path">Its full path, for messages.</param>
/// <param name="unlock">Frees the lock that the handle holds; null if it holds none.</param>
internal sealed class OpenFile(SafeFileHandle handle, string path, Action<SafeFileHandle>? unlock = null) : IDiskFile
{
    private readonly FileIdentity? identity = OperatingSystem.IsLinux() ? LinuxFiles.Identify(handle) : null;

    public long Length => RandomAccess.GetLength(handle);

    public bool IsAt(string fullPath) => identity is not { } file || LinuxFiles.LeadsTo(fullPath, file);

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

    public void Dispose()
    {
        // Closing the handle alone would not free the lock while a child process that is just starting has a copy of it.
        if (!handle.IsClosed) unlock?.Invoke(handle);
        handle.Dispose();
    }
}
