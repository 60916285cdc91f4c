using System.Buffers.Binary;

namespace EventStore.FileSystem.Index;

/// <summary>A run is not what it should be. It is rebuilt from the log.</summary>
internal sealed class IndexDamageException(string path, string problem) : IOException($"{path}: {problem}")
{
    public string Path { get; } = path;
}
