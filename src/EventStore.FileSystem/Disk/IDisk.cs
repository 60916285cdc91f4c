namespace EventStore.FileSystem.Disk;

/// <summary>
/// The layer through which every byte and every directory entry of a store passes, so that tests can replace it by a failing disk. Paths
/// are relative to the store's folder, with <c>/</c> between folder and file. Failures are <see cref="IOException"/>s; a lack of space or
/// file handles is a <see cref="DiskShortageException"/>.
/// </summary>
internal interface IDisk
{
    /// <summary>The place of the store, for messages.</summary>
    string Root { get; }

    /// <summary>How many bytes are free; the highest number if that is not known.</summary>
    long FreeBytes => long.MaxValue;

    /// <summary>What stands where the store's folder or one above it would be, as a sentence; null if nothing does.</summary>
    string? Obstacle => null;

    bool Exists(string path);

    /// <summary>Creates a folder unless it exists. Lasting once its parent folder is synced.</summary>
    /// <exception cref="IOException">A link is in its place; only that of the store itself may be one.</exception>
    void CreateFolder(string path);

    /// <summary>The names of the files in a folder; none if the folder is missing.</summary>
    IReadOnlyList<string> List(string folder);

    /// <summary>Creates an empty file; replaces an existing one.</summary>
    IDiskFile Create(string path);

    /// <summary>Opens an existing file.</summary>
    IDiskFile Open(string path, bool forWriting);

    /// <summary>Opens an existing file, locked until it is closed against every other opening by this member. Changes nothing.</summary>
    /// <exception cref="DiskLockedException">Another process holds it.</exception>
    IDiskFile OpenLocked(string path) => Open(path, forWriting: true);

    /// <summary>Renames a file; replaces an existing one. Lasting once the folder is synced.</summary>
    void Rename(string from, string to);

    void Delete(string path);

    /// <summary>Deletes a file that is no longer used. If that fails, the file only takes space until the store is opened again.</summary>
    void TryDelete(string path)
    {
        try
        {
            Delete(path);
        }
        catch (IOException)
        {
            // It is deleted on the next opening.
        }
    }

    /// <summary>Makes the entries of a folder last; the empty string is the store's own folder.</summary>
    void SyncFolder(string folder);

    /// <summary>Takes the lock of the single writer. The operating system frees it when the process ends, even if it crashes.</summary>
    /// <exception cref="DiskLockedException">Another process holds it.</exception>
    IDisposable Lock(string path);

    /// <summary>
    /// Calls back, on any thread, when another process may have changed a file; null where the system does not support it. It may miss
    /// changes.
    /// </summary>
    IDisposable? Watch(string path, Action changed) => null;
}

/// <summary>An open file. Reads may run concurrently with one writer.</summary>
internal interface IDiskFile : IDisposable
{
    long Length { get; }

    /// <summary>
    /// Whether a path still leads to this file, and not to another one or nothing. True where the system does not say.
    /// </summary>
    bool IsAt(string fullPath) => true;

    /// <summary>Reads until the span is full or the file ends; returns the number of bytes read.</summary>
    int Read(Span<byte> into, long offset);

    void Write(ReadOnlySpan<byte> from, long offset);

    void SetLength(long length);

    /// <summary>Allocates space up to a length, as zeros. May do nothing where the file system does not support it.</summary>
    void Allocate(long length);

    /// <summary>
    /// Returns only when everything written is on the medium. After a failure, everything written since the last success is in doubt.
    /// </summary>
    void Sync();
}

/// <summary>The lock of the single writer is held.</summary>
internal sealed class DiskLockedException(string path, string owner) : IOException($"'{path}' is locked by {Names.Printable(owner)}.")
{
    public string Owner { get; } = Names.Printable(owner);
}
