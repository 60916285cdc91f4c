namespace EventStore.FileSystem.Segments;

/// <summary>
/// Why a log takes no more writes. Whatever fails first sets it, in the writer or in the background; it stays until the store is opened
/// again.
/// </summary>
internal sealed class LogFault
{
    private volatile Exception? why;

    /// <summary>The first failure; null while there is none.</summary>
    public Exception? Why => why;

    /// <summary>Takes note of a failure, unless there was one before.</summary>
    public void Set(Exception error) => Interlocked.CompareExchange(ref why, error, null);
}
