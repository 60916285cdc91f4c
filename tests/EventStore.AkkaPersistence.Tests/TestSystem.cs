using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;

namespace AkkaPersistence.Tests;

/// <summary>An actor system with the plugins of the sample. Disposing it terminates the system.</summary>
internal sealed class TestSystem : IAsyncDisposable
{
    // Time limits are for a machine that is busy with other tests.
    private const string Patient = """
        akka {
          loglevel = OFF
          stdout-loglevel = OFF
          coordinated-shutdown.phases.before-actor-system-terminate.timeout = 60s
          persistence.journal-plugin-fallback { circuit-breaker.call-timeout = 60s, recovery-event-timeout = 60s }
          persistence.snapshot-store-plugin-fallback.circuit-breaker.call-timeout = 60s
        }
        """;

    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private TestSystem(string config, params Setup[] setups)
    {
        var bootstrap = BootstrapSetup.Create().WithConfig(
            ConfigurationFactory.ParseString(config).WithFallback(ConfigurationFactory.ParseString(Patient))
                .WithFallback(EventStoreSetup.Plugins));
        Actors = ActorSystem.Create("test", ActorSystemSetup.Create([bootstrap, .. setups]));
        Journal = new JournalCalls(Actors);
        Snapshots = new SnapshotCalls(Actors);
    }

    public ActorSystem Actors { get; }

    public JournalCalls Journal { get; }

    public SnapshotCalls Snapshots { get; }

    /// <summary>A system that opens a store by its address, and closes it.</summary>
    public static TestSystem At(string address, string config = "") => new($$"""
        akka.persistence.journal.event-store.address = "{{address}}"
        akka.persistence.snapshot-store.event-store.address = "{{address}}"
        {{config}}
        """);

    /// <summary>A system over a store that stays open.</summary>
    public static TestSystem Over(IEventStore store, string config = "") => new(config, new EventStoreSetup(store));

    /// <summary>A store in memory.</summary>
    public static ValueTask<IEventStore> StoreAsync(params IEnumerable<IPipelineHook> hooks) => Wireup.Init()
        .UsingInMemoryPersistence()
        .UsingJsonSerialization(_ => { })
        .HookIntoPipelineUsing(hooks)
        .BuildAsync();

    /// <summary>Starts a persistent actor, which recovers first.</summary>
    public IActorRef Start(string persistenceId) => Actors.ActorOf(Props.Create(() => new Recorder(persistenceId)));

    public async ValueTask DisposeAsync()
    {
        await Actors.Terminate();
        Actors.Dispose();
    }
}
