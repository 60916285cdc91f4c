using EventStore.FileSystem.Index;
using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Store;

/// <summary>How a store is run.</summary>
/// <param name="Log">When bytes are flushed and segments end.</param>
/// <param name="Index">When parts of the index are written and merged.</param>
/// <param name="CloseEntries">With fewer entries than these in memory, a clean close leaves them to be read from the log again.</param>
internal sealed record StoreSettings(LogSettings Log, IndexSettings Index, int CloseEntries = 4096)
{
    /// <summary>How sealed segments are packed.</summary>
    public PackSettings Packing { get; init; } = new(Compresses: false);

    /// <summary>Told which segment could not be packed in the background, and why.</summary>
    public Action<string, Exception> PackingFailed { get; init; } = static (_, _) => { };

    /// <summary>Makes the id of a new store; tests that replay one schedule draw it too.</summary>
    public Func<Guid> NewStoreId { get; init; } = Guid.NewGuid;
}
