namespace EventStore.Conformance;

/// <summary>
/// All that a backend's author supplies. One instance stands for one storage of its own, empty at first and nobody else's; the kit makes one
/// for every fact. What the backend promises is read from its engines' descriptions.
/// </summary>
public interface IBackend : IAsyncDisposable
{
    /// <summary>
    /// Opens an engine over the storage: empty the first time, with what was stored before every further time. Where the description says
    /// <see cref="EngineCapabilities.SharedWriting"/>, several are open at once; otherwise one is disposed before the next is opened. Where it says <see cref="EngineCapabilities.SharedReading"/>,
    /// engines whose context is read-only are open beside.
    /// </summary>
    /// <param name="context">The clock and loggers that the engine is to use, whether it may make the storage, and whether it only reads.</param>
    ValueTask<IPersistenceEngine> OpenAsync(EngineContext context);
}
