using Akka;
using Akka.Actor;
using Akka.Configuration;
using EventStore;

namespace AkkaPersistence;

/// <summary>
/// The stores of an actor system: the one of its <see cref="EventStoreSetup"/>, or one for each address. Journal and snapshot store share
/// it, as files have one writer.
/// </summary>
public sealed class EventStores : IExtension
{
    private readonly ActorSystem system;
    private readonly Lock gate = new();
    private readonly Dictionary<string, Task<IEventStore>> opened = new(StringComparer.Ordinal);

    internal EventStores(ActorSystem system)
    {
        this.system = system;
        CoordinatedShutdown.Get(system).AddTask(CoordinatedShutdown.PhaseBeforeActorSystemTerminate, "close-event-stores", CloseAsync);
    }

    /// <summary>The stores of an actor system.</summary>
    public static EventStores Of(ActorSystem system)
    {
        ArgumentNullException.ThrowIfNull(system);
        return system.WithExtension<EventStores, Provider>();
    }

    /// <summary>The store of a plugin. One that could not be opened is opened again at the next call.</summary>
    /// <param name="plugin">The plugin's part of the configuration.</param>
    public Task<IEventStore> OpenAsync(Config plugin)
    {
        ArgumentNullException.ThrowIfNull(plugin);
        if (system.Settings.Setup.Get<EventStoreSetup>() is { HasValue: true } given) return Task.FromResult(given.Value.Store);
        if (plugin.GetString("address", "") is not { Length: > 0 } address)
            throw new ConfigurationException("The plugin has no 'address', such as \"file:./data\", and the system no EventStoreSetup.");
        lock (gate)
        {
            if (!opened.TryGetValue(address, out var store) || store.IsFaulted) opened[address] = store = BuildAsync(address);
            return store;
        }
    }

    // Bodies are serialized by Akka, so no type is registered here.
    private static Task<IEventStore> BuildAsync(string address) => Wireup.Init()
        .UsingPersistence(address, engines => engines.AddFileSystem().AddSqlite().AddPostgres().AddRedis().AddMongo())
        .UsingJsonSerialization(_ => { })
        .InitializeStorageEngine()
        .BuildAsync()
        .AsTask();

    private async Task<Done> CloseAsync()
    {
        List<Task<IEventStore>> stores;
        lock (gate) stores = [.. opened.Values];
        foreach (var store in stores.Where(store => !store.IsFaulted)) await (await store).DisposeAsync();
        return Done.Instance;
    }

    private sealed class Provider : ExtensionIdProvider<EventStores>
    {
        public override EventStores CreateExtension(ExtendedActorSystem system) => new(system);
    }
}
