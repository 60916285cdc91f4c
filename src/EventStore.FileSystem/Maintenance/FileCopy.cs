using EventStore.FileSystem.Disk;

namespace EventStore.FileSystem.Maintenance;

/// <summary>Reads from an offset on; returns the number of bytes read.</summary>
internal delegate int ReadAt(Span<byte> into, long offset);

/// <summary>Copies files whole: each appears under its name only once it is on the medium.</summary>
internal sealed class FileCopy(IDisk target)
{
    private const int PartBytes = 1 << 20;
    private const int EndBytes = 4096;
    private byte[] buffer = new byte[2 * EndBytes];

    public int FilesCopied { get; private set; }

    public int FilesUnchanged { get; private set; }

    public long BytesCopied { get; private set; }

    /// <summary>Copies a file of the log or the index, unless it is there already.</summary>
    /// <param name="path">Its name, the same in both folders.</param>
    /// <param name="length">The number of bytes to copy.</param>
    /// <param name="read">Reads it.</param>
    /// <param name="isGrowing">Whether it is still written to. A file that no longer changes is compared by its ends.</param>
    /// <param name="cancellationToken">Cancels; the target keeps its file.</param>
    public void IfChanged(string path, long length, ReadAt read, bool isGrowing, CancellationToken cancellationToken)
    {
        var wantedBytes = (int)Math.Min(PartBytes, 2 * length);
        if (buffer.Length < wantedBytes) buffer = new byte[wantedBytes];
        if (IsThere(path, length, read, isGrowing))
        {
            FilesUnchanged++;
            return;
        }

        var temporary = path + ".tmp";
        using (var file = target.Create(temporary))
        {
            for (var at = 0L; at < length;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, length - at));
                if (read(part, at) != part.Length) throw new IOException($"'{path}' became shorter while it was copied.");
                file.Write(part, at);
                at += part.Length;
            }

            file.Sync();
        }

        target.Rename(temporary, path);
        FilesCopied++;
        BytesCopied += length;
    }

    // The heads of such files differ; their last bytes hold a checksum that is chained over a sealed segment, or that of a run's foot,
    // and the head of a packed one that of its table. The newest segment is compared as a whole: the copy may have been opened and
    // written to.
    private bool IsThere(string path, long length, ReadAt read, bool isWhole)
    {
        if (!target.Exists(path)) return false;
        using var file = target.Open(path, forWriting: false);
        if (file.Length != length) return false;
        if (!isWhole) return IsEqual(file, read, 0, EndBytes) && IsEqual(file, read, Math.Max(0, length - EndBytes), EndBytes);
        for (var at = 0L; at < length; at += PartBytes / 2)
        {
            if (!IsEqual(file, read, at, (int)Math.Min(PartBytes / 2, length - at))) return false;
        }

        return true;
    }

    private bool IsEqual(IDiskFile file, ReadAt read, long offset, int count)
    {
        var wanted = buffer.AsSpan(0, count);
        var found = buffer.AsSpan(count, count);
        var (first, second) = (read(wanted, offset), file.Read(found, offset));
        return first == second && wanted[..first].SequenceEqual(found[..second]);
    }
}
