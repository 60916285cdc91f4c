using System.Globalization;
using StackExchange.Redis;

namespace EventStore.Redis.Tests;

/// <summary>A store with a name of its own, on a server that tests share; its keys are deleted with it.</summary>
internal sealed class TestStore : IAsyncDisposable
{
    private string? address;

    public TestStore(RedisOptions? options = null)
    {
        Options = options ?? new RedisOptions();
        if (Options.Name == new RedisOptions().Name) Options.Name = string.Create(CultureInfo.InvariantCulture, $"test-{Guid.NewGuid():N}");
    }

    public RedisOptions Options { get; }

    public int SweepStepEntries { get; init; } = 1_000;

    /// <summary>An engine over the store, not initialized.</summary>
    public IPersistenceEngine Open(string server, EngineContext? context = null)
    {
        address = server;
        return new RedisPersistenceEngine(new RedisConnection(RedisConnection.Parse(server), null), Options, context
            ?? EngineContext.Default, SweepStepEntries);
    }

    /// <summary>An engine over the store, initialized.</summary>
    public async Task<IPersistenceEngine> OpenReadyAsync(string server)
    {
        var engine = Open(server);
        await engine.InitializeAsync(TestContext.Current.CancellationToken);
        return engine;
    }

    public async ValueTask DisposeAsync()
    {
        if (address is null) return;
        var patient = ConfigurationOptions.Parse(address);
        patient.AsyncTimeout = 60_000;
        await using var connection = await ConnectionMultiplexer.ConnectAsync(patient);
        // Only here, where a store goes altogether, are its keys looked for.
        foreach (var server in connection.GetEndPoints().Select(place => connection.GetServer(place)))
        {
            var keys = await server.KeysAsync(pattern: $"{{{Options.Name}}}:*", pageSize: 1_000).ToArrayAsync();
            if (keys.Length > 0) await connection.GetDatabase().KeyDeleteAsync(keys);
        }

        await connection.CloseAsync(allowCommandsToComplete: false);
    }
}
