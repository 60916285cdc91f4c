namespace EventStore.FileSystem.Disk;

/// <summary>The system is short of something. Nothing is broken, and the call may succeed once there is more of it.</summary>
internal abstract class DiskShortageException(string message, Exception? inner) : IOException(message, inner)
{
    /// <summary>What to do about it.</summary>
    public abstract string Advice { get; }
}

/// <summary>There is no space left.</summary>
internal sealed class DiskFullException(string path, Exception? inner = null)
    : DiskShortageException($"No space is left for '{path}'.", inner)
{
    public override string Advice => "Free some space and try again";
}

/// <summary>The process, or the machine, may open no more files.</summary>
internal sealed class NoHandlesException(string path, bool isMachine, Exception? inner = null)
    : DiskShortageException(
        $"'{path}' could not be opened, because {(isMachine ? "the machine" : "this process")} has no file handles left.", inner)
{
    public override string Advice => isMachine
        ? "Raise the machine's limit (fs.file-max), or close files, and try again"
        : "Raise the limit of the process ('ulimit -n'), or close files and connections, and try again";
}
