using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;

namespace EventStore.FileSystem.Segments;

/// <summary>Learns from the writer's file how far the log may be read. Costs one read of two marks each time.</summary>
internal sealed class LiveReader(IDisk disk, ulong seed) : IDisposable
{
    private readonly Lock gate = new();
    private IDiskFile? file;

    /// <summary>What was told last; null if the file is missing, or holds nothing whole.</summary>
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

    /// <summary>Looks the file up anew next time: it may have been deleted, and another one made, while it was open here.</summary>
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
