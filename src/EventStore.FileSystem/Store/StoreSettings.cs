using EventStore.FileSystem.Index;
using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Store;

/// <summary>The settings of a store.</summary>
/// <param name="Log">When bytes are flushed and segments end.</param>
/// <param name="Index">When parts of the index are written and merged.</param>
/// <param name="CloseEntries">The number of entries in memory from which a clean close writes them to a run; fewer are read from the log
/// again.</param>
internal sealed record StoreSettings(LogSettings Log, IndexSettings Index, int CloseEntries = 4096)
{
    /// <summary>How sealed segments are packed.</summary>
    public PackSettings Packing { get; init; } = new(Compresses: false);

    /// <summary>Receives the name of a segment that could not be packed in the background, and the error.</summary>
    public Action<string, Exception> PackingFailed { get; init; } = static (_, _) => { };

    /// <summary>Receives what kept the last checkpoint from being written when the store was closed. Nothing is lost by that.</summary>
    public Action<Exception> ClosingIncomplete { get; init; } = static _ => { };

    /// <summary>Makes the id of a new store. Tests that replay one schedule set it.</summary>
    public Func<Guid> NewStoreId { get; init; } = Guid.NewGuid;
}
