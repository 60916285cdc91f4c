using System.Diagnostics.CodeAnalysis;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Log;

/// <summary>
/// Takes space for a segment before it is written, which makes a flush cheaper and reveals a full disk before anything is written. It takes
/// what is needed, and more only where there is plenty; what was taken without effect is given back.
/// </summary>
internal sealed class SpaceAhead(IDisk disk, LogSettings settings)
{
    private const long FirstBytes = 1 << 20;

    /// <summary>Takes space for a file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="needed">The length that is about to be written.</param>
    /// <returns>The length for which the file has space.</returns>
    /// <exception cref="DiskFullException">There is no space; the file has what it had before.</exception>
    public long Take(IDiskFile file, long needed)
    {
        var before = file.Length;
        var wanted = Math.Min(settings.SegmentSizeBytes, Math.Max(needed * 2, FirstBytes));
        var ahead = needed + NextSegment.Affordable(disk, wanted - needed);
        if (ahead > needed && TryTake(file, before, ahead, out _)) return Math.Max(ahead, file.Length);
        if (!TryTake(file, before, needed, out var error)) throw error;
        return Math.Max(needed, file.Length);
    }

    // A file system may keep a part of what it could not give whole.
    private static bool TryTake(IDiskFile file, long before, long length, [NotNullWhen(false)] out DiskFullException? error)
    {
        try
        {
            file.Allocate(length);
            error = null;
            return true;
        }
        catch (DiskFullException full)
        {
            file.SetLength(before);
            error = full;
            return false;
        }
    }
}
