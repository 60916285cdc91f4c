using EventStore.Conformance;
using EventStore.TestServers;
using StackExchange.Redis;

[assembly: AssemblyFixture(typeof(EventStore.Redis.Tests.SharedRedis))]

namespace EventStore.Redis.Tests;

/// <summary>The servers that all facts share; they go after the last of them.</summary>
public sealed class SharedRedis : IAsyncDisposable
{
    public async ValueTask DisposeAsync()
    {
        await SharedServer.Redis.DisposeAsync();
        await Cluster.EndAsync();
    }
}

/// <summary>Redis as it comes, through the whole kit: a store of its own name for every fact, all on one server.</summary>
public sealed class RedisBackend : IRestorableBackend
{
    private readonly TestStore store = new();
    private readonly Dictionary<RedisKey, byte[]> kept = [];

    public async ValueTask BackupAsync()
    {
        await using var connection = await ConnectionMultiplexer.ConnectAsync((await SharedServer.Redis.GetAsync()).Address);
        foreach (var key in await KeysAsync(connection)) kept[key] = (await connection.GetDatabase().KeyDumpAsync(key))!;
    }

    public async ValueTask RestoreAsync()
    {
        await using var connection = await ConnectionMultiplexer.ConnectAsync((await SharedServer.Redis.GetAsync()).Address);
        await connection.GetDatabase().KeyDeleteAsync(await KeysAsync(connection));
        foreach (var (key, value) in kept) await connection.GetDatabase().KeyRestoreAsync(key, value);
    }

    public async ValueTask<IPersistenceEngine> OpenAsync(EngineContext context) =>
        store.Open((await SharedServer.Redis.GetAsync()).Address, context);

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private async Task<RedisKey[]> KeysAsync(ConnectionMultiplexer connection) =>
        await connection.GetServer(connection.GetEndPoints()[0]).KeysAsync(pattern: $"{{{store.Options.Name}}}:*").ToArrayAsync();
}

/// <summary>The same, with nothing of what is removed ever cleared away, so that every script meets it.</summary>
public sealed class UnsweptBackend : IBackend
{
    private readonly TestStore store = new() { SweepStepEntries = 0 };

    public async ValueTask<IPersistenceEngine> OpenAsync(EngineContext context) =>
        store.Open((await SharedServer.Redis.GetAsync()).Address, context);

    public ValueTask DisposeAsync() => store.DisposeAsync();
}

/// <summary>Redis as a cluster of three masters, over which the stores of the facts are spread.</summary>
public sealed class ClusterBackend : IBackend
{
    private readonly TestStore store = new();

    public async ValueTask<IPersistenceEngine> OpenAsync(EngineContext context) => store.Open(await Cluster.AddressAsync(), context);

    public ValueTask DisposeAsync() => store.DisposeAsync();
}
