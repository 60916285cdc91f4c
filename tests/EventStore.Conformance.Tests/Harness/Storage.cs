using Microsoft.Extensions.Logging.Abstractions;

namespace EventStore.Conformance.Tests.Harness;

/// <summary>
/// A backend of engines of one kind. They share the storage of one in-memory engine, which can be reopened, and written by several at once,
/// as that of a server.
/// </summary>
internal sealed class Storage<TEngine> : IBackend where TEngine : DelegatingEngine
{
    private readonly StoredState state = new();
    private IPersistenceEngine? kept;

    public ValueTask<IPersistenceEngine> OpenAsync(EngineContext context)
    {
        kept ??= new EngineCatalogue().AddInMemory().Create("memory:", context);
        if (context is { MayCreateStorage: true, IsReadOnly: false }) state.Make();
        var connection = new Connection(kept, state);
        object[] arguments = typeof(TEngine).GetConstructors()[0].GetParameters().Length == 1 ? [connection] : [connection, context.Time];
        return new((IPersistenceEngine)Activator.CreateInstance(typeof(TEngine), arguments)!);
    }

    public ValueTask DisposeAsync() => kept?.DisposeAsync() ?? default;
}

/// <summary>What the engines on a storage have in common, beside what the one in memory keeps.</summary>
internal sealed class StoredState
{
    private volatile bool isMade;
    private volatile string? holder;

    public bool IsMade => isMade;

    /// <summary>The import that holds the storage; null for none.</summary>
    public string? Holder => holder;

    public void Make() => isMade = true;

    public void Hold(string? import) => holder = import;
}

/// <summary>One of several open engines on a storage; closing it does not close the storage.</summary>
internal sealed class Connection(IPersistenceEngine storage, StoredState state) : DelegatingEngine(storage)
{
    private volatile bool isClosed;
    private volatile string? heldAs;

    public override EngineDescription Description { get; } = storage.Description with
    {
        Durability = new EngineDurability(Durability.Fast, "kept in memory as long as the backend lives", []),
        Capabilities = EngineCapabilities.Reopens | EngineCapabilities.SharedWriting
            | EngineCapabilities.SharedReading | EngineCapabilities.WakesAcrossProcesses,
    };

    protected override IPersistenceEngine Inner
    {
        get
        {
            ObjectDisposedException.ThrowIf(isClosed, this);
            return base.Inner;
        }
    }

    public override ValueTask InitializeAsync(CancellationToken cancellationToken = default) =>
        state.IsMade
            ? base.InitializeAsync(cancellationToken)
            : throw new StorageNotFoundException("There is no storage here, and none may be made.");

    public override ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default) =>
        state.Holder is { } holder && holder != heldAs
            ? throw new StorageHeldException(holder)
            : base.CommitAsync(attempts, cancellationToken);

    public override async ValueTask HoldAsync(string holder, CancellationToken cancellationToken = default)
    {
        await base.HoldAsync(holder, cancellationToken);
        state.Hold(holder);
        heldAs = holder;
    }

    public override async ValueTask ReleaseAsync(string holder, CancellationToken cancellationToken = default)
    {
        await base.ReleaseAsync(holder, cancellationToken);
        state.Hold(null);
        heldAs = null;
    }

    public override ValueTask DisposeAsync()
    {
        isClosed = true;
        return default;
    }
}
