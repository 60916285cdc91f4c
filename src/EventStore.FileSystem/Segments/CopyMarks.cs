using EventStore.FileSystem.Disk;

namespace EventStore.FileSystem.Segments;

/// <summary>Empty files that mark a store's folder as a copy that has not been opened for writing yet.</summary>
internal static class CopyMarks
{
    /// <summary>The files were copied while the store was open, so frames that were written during the copy may be missing.</summary>
    public const string Copied = "copied";

    /// <summary>
    /// A backup is running or was interrupted: a segment may be present whose predecessor has changed since it was copied. Without the
    /// identity of the store, it is the first backup of this folder, or a repair, and the folder is not a store yet.
    /// </summary>
    public const string Copying = "copying";

    /// <summary>Whether either mark is present.</summary>
    public static bool AreOn(IDisk disk) => disk.Exists(Copied) || disk.Exists(Copying);

    /// <summary>Removes both marks: the files are a store of their own from now on.</summary>
    public static void Remove(IDisk disk)
    {
        foreach (var mark in (string[])[Copied, Copying])
        {
            if (disk.Exists(mark)) disk.Delete(mark);
        }
    }
}
