using EventStore.Diagnostics;
using EventStore.Leases;
using EventStore.Pipeline;

namespace EventStore.Consumers;

/// <summary>A consumer of this process with its name: where it is kept, what is reported under the name, and how it ends.</summary>
internal sealed class ConsumerClaim(
    ConsumerDefinition definition, ConsumerStorage storage, ConsumerReport report, Action<ConsumerClaim> release) : IDisposable
{
    public string Name => definition.Name;

    public ConsumerDefinition Definition => definition;

    public ConsumerOptions Options => definition.Options;

    public Lease<ConsumerRecord> Lease => storage.Lease;

    public Guid StoreId => storage.StoreId;

    public ConsumerReport Report => report;

    public TimeProvider Time => Lease.Time;

    /// <summary>What the consumer calls of the application.</summary>
    public ApplicationCalls Calls { get; } = new();

    /// <summary>Keeps the state of one term.</summary>
    public StateKeeper OpenState() => new(definition.State, Lease, storage.States, report);

    /// <summary>
    /// Releases the lease. Where the storage cannot be reached, processes that know that this one is gone take over at once, others after
    /// the term.
    /// </summary>
    public async ValueTask ReleaseAsync()
    {
        try
        {
            await Lease.ReleaseAsync().ConfigureAwait(false);
        }
        catch (StorageException error)
        {
            report.LogStorageFailure(error, Options.LeaseTerm);
        }
    }

    /// <summary>Frees the name. Nothing is done under it any more.</summary>
    public void Dispose()
    {
        Lease.Dispose();
        release(this);
    }
}
