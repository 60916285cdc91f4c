using Akka.Actor.Setup;
using Akka.Configuration;
using EventStore;

namespace AkkaPersistence;

/// <summary>
/// Gives an actor system a store that the application has built, instead of an address in its configuration. The application disposes the
/// store after the system has terminated.
/// </summary>
/// <param name="store">The store of journal and snapshots.</param>
public sealed class EventStoreSetup(IEventStore store) : Setup
{
    /// <summary>
    /// The configuration that makes both plugins those of this sample. Without an <see cref="EventStoreSetup"/>, add their addresses.
    /// </summary>
    public static Config Plugins { get; } = ConfigurationFactory.ParseString("""
        akka.persistence {
          journal {
            plugin = "akka.persistence.journal.event-store"
            event-store {
              class = "AkkaPersistence.EventStoreJournal, AkkaPersistence"
              address = ""
              category = "akka"
            }
          }
          snapshot-store {
            plugin = "akka.persistence.snapshot-store.event-store"
            event-store {
              class = "AkkaPersistence.EventStoreSnapshotStore, AkkaPersistence"
              address = ""
              category = "akka-snapshot"
            }
          }
        }
        """);

    /// <summary>The store.</summary>
    public IEventStore Store { get; } = store;
}
