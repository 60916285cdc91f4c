namespace EventStore.FileSystem.Disk;

/// <summary>
/// The one layer through which every byte and every directory entry of a store passes, so that tests can put a failing disk in its place.
/// Paths are relative to the store's folder, with <c>/</c> between folder and file. Failures are <see cref="IOException"/>s; a full disk is a
/// <see cref="DiskFullException"/>.
/// </summary>
internal interface IDisk
{
    /// <summary>Where the store lies, for messages.</summary>
    string Root { get; }

    bool Exists(string path);

    /// <summary>Makes a folder unless it is there. Lasting once the folder above is synced.</summary>
    void CreateFolder(string path);

    /// <summary>The names of the files in a folder; none if the folder is missing.</summary>
    IReadOnlyList<string> List(string folder);

    /// <summary>Makes an empty file, in place of one that may be there.</summary>
    IDiskFile Create(string path);

    /// <summary>Opens a file that is there.</summary>
    IDiskFile Open(string path, bool forWriting);

    /// <summary>Gives a file its final name, in place of a file that may have it. Lasting once the folder is synced.</summary>
    void Rename(string from, string to);

    void Delete(string path);

    /// <summary>Removes a file that means nothing any more. One that cannot be removed only takes space, until the store is opened again.</summary>
    void TryDelete(string path)
    {
        try
        {
            Delete(path);
        }
        catch (IOException)
        {
            // As said.
        }
    }

    /// <summary>Makes the entries of a folder last; the empty string is the store's own folder.</summary>
    void SyncFolder(string folder);

    /// <summary>Takes the lock of the single writer. The operating system frees it when the process ends, however it ends.</summary>
    /// <exception cref="DiskLockedException">Somebody holds it.</exception>
    IDisposable Lock(string path);

    /// <summary>Calls back, from any thread, when others may have changed a file; null where the system cannot tell. A hint: it may miss.</summary>
    IDisposable? Watch(string path, Action changed) => null;
}

/// <summary>An open file. Reads may run beside one writer.</summary>
internal interface IDiskFile : IDisposable
{
    long Length { get; }

    /// <summary>Reads until the span is full or the file ends; answers how much was read.</summary>
    int Read(Span<byte> into, long offset);

    void Write(ReadOnlySpan<byte> from, long offset);

    void SetLength(long length);

    /// <summary>Takes space up to a length ahead of writing, as zeros. May do nothing where the file system cannot.</summary>
    void Allocate(long length);

    /// <summary>Returns only when everything written is on the medium. After a failure nothing is known of what was written since the last success.</summary>
    void Sync();
}

/// <summary>There is no space left.</summary>
internal sealed class DiskFullException(string path, Exception? inner = null) : IOException($"No space is left for '{path}'.", inner);

/// <summary>The lock of the single writer is held.</summary>
internal sealed class DiskLockedException(string path, string owner) : IOException($"'{path}' is locked by {owner}.")
{
    public string Owner { get; } = owner;
}
