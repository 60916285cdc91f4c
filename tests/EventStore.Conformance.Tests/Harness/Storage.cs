using Microsoft.Extensions.Logging.Abstractions;

namespace EventStore.Conformance.Tests.Harness;

/// <summary>
/// A backend of engines of one kind. They share the storage of one in-memory engine, which can be reopened, and written by several at once,
/// as that of a server.
/// </summary>
internal sealed class Storage<TEngine> : IBackend where TEngine : DelegatingEngine
{
    private IPersistenceEngine? kept;
    private readonly Hold hold = new();
    private volatile bool isMade;

    public ValueTask<IPersistenceEngine> OpenAsync(EngineContext context)
    {
        kept ??= new EngineCatalogue().AddInMemory().Create("memory:", context);
        isMade |= context is { MayCreateStorage: true, IsReadOnly: false };
        var connection = new Connection(kept, hold, () => isMade);
        object[] arguments = typeof(TEngine).GetConstructors()[0].GetParameters().Length == 1 ? [connection] : [connection, context.Time];
        return new((IPersistenceEngine)Activator.CreateInstance(typeof(TEngine), arguments)!);
    }

    public ValueTask DisposeAsync() => kept?.DisposeAsync() ?? default;
}

/// <summary>Which import holds a storage; null for none. The engine in memory knows of no others, so it is kept beside it.</summary>
internal sealed class Hold
{
    private volatile string? holder;

    public string? Holder => holder;

    public void Set(string? name) => holder = name;
}

/// <summary>One of several open engines on a storage; closing it does not close the storage.</summary>
internal sealed class Connection(IPersistenceEngine storage, Hold hold, Func<bool> isMade) : DelegatingEngine(storage)
{
    private volatile bool isHolder;
    private volatile bool isClosed;

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
        isMade()
            ? base.InitializeAsync(cancellationToken)
            : throw new StorageNotFoundException("There is no storage here, and none may be made.");

    public override ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default) =>
        hold.Holder is { } holder && !isHolder
            ? throw new StorageHeldException(holder)
            : base.CommitAsync(attempts, cancellationToken);

    public override async ValueTask HoldAsync(string holder, CancellationToken cancellationToken = default)
    {
        await base.HoldAsync(holder, cancellationToken);
        hold.Set(holder);
        isHolder = true;
    }

    public override async ValueTask ReleaseAsync(string holder, CancellationToken cancellationToken = default)
    {
        await base.ReleaseAsync(holder, cancellationToken);
        hold.Set(null);
        isHolder = false;
    }

    public override ValueTask SkipCheckpointsAsync(Checkpoint upTo, CancellationToken cancellationToken = default) =>
        isHolder ? base.SkipCheckpointsAsync(upTo, cancellationToken) : throw new InvalidOperationException("Hold the storage first.");

    public override ValueTask DisposeAsync()
    {
        isClosed = true;
        return default;
    }
}
