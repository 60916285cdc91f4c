namespace EventStore.Conformance;

/// <summary>
/// The only type that the author of a backend implements. One instance represents one storage, which is empty at first and not shared; the
/// kit creates one for every fact. The kit reads from the engines' descriptions what the backend promises.
/// </summary>
public interface IBackend : IAsyncDisposable
{
    /// <summary>
    /// Opens an engine on the storage. The storage is empty the first time, and keeps its data after that. If the description has
    /// <see cref="EngineCapabilities.SharedWriting"/>, several are open at once; otherwise one is disposed before the next is opened. If it
    /// has <see cref="EngineCapabilities.SharedReading"/>, engines with a read-only context are open at the same time.
    /// </summary>
    /// <param name="context">The clock and loggers of the engine, whether it may create the storage, and whether it only reads.</param>
    ValueTask<IPersistenceEngine> OpenAsync(EngineContext context);
}
