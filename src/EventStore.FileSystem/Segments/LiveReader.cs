using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;

namespace EventStore.FileSystem.Segments;

/// <summary>Reads from the writer's live file how far the log may be read. Each call reads two marks.</summary>
internal sealed class LiveReader(IDisk disk, ulong seed) : IDisposable
{
    private readonly Lock gate = new();
    private IDiskFile? file;

    /// <summary>Reads the newest mark; null if the file is missing or holds no whole mark.</summary>
    public LiveMark? Read()
    {
        lock (gate)
        {
            if (file is null)
            {
                if (!disk.Exists(LiveFile.FileName)) return null;
                file = disk.Open(LiveFile.FileName, forWriting: false);
            }

            return LiveFile.ReadMarks(file, seed);
        }
    }

    /// <summary>Opens the file again next time: it may have been deleted and created again while it was open here.</summary>
    public void Forget()
    {
        lock (gate)
        {
            file?.Dispose();
            file = null;
        }
    }

    public void Dispose() => Forget();
}
