using EventStore.Leases;
using EventStore.Pipeline;

namespace EventStore.Composition;

/// <summary>Creates and initializes the engines of a store. Engines that the store owns are disposed with it.</summary>
internal sealed class StorageOpener(StorePlan plan, StoreLifetime lifetime)
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// Opens the engine that keeps the events, and the one that keeps consumers and read streams: the same one where no other was chosen.
    /// Both are created before either is opened, so that nothing is touched if an address is refused.
    /// </summary>
    public async ValueTask<(IPersistenceEngine Events, IPersistenceEngine Documents)> OpenAsync(CancellationToken cancellationToken)
    {
        var events = plan.Persistence.Create(plan.EngineContext);
        if (plan.ReadOnly is not null) events = new ReadOnlyEngine(events);
        if (plan.Persistence.IsOwned) lifetime.Own(events);
        var choice = plan.ConsumerStorage;
        var documents = choice?.Create(plan.EngineContext with { MayCreateStorage = true, IsReadOnly = false }) ?? events;
        var ownsDocuments = choice is { IsOwned: true };
        if (ownsDocuments) lifetime.Own(documents);

        if (plan.Persistence.IsOwned || plan.MayCreateStorage)
            await PatientlyAsync(events.InitializeAsync, cancellationToken).ConfigureAwait(false);
        if (ownsDocuments) await documents.InitializeAsync(cancellationToken).ConfigureAwait(false);
        return (events, documents);
    }

    /// <summary>Reads or creates the identity of the store; empty where it is not known and nothing here is bound to it.</summary>
    public async ValueTask<Guid> IdentifyAsync(IPersistenceEngine events, CancellationToken cancellationToken)
    {
        if (!plan.NeedsIdentity) return await TryIdentifyAsync(events, cancellationToken).ConfigureAwait(false);
        var identity = Guid.Empty;
        await PatientlyAsync(
            async token => identity = await StoreIdentity.FindOrCreateAsync(events, plan.ReadOnly is not null, token).ConfigureAwait(false),
            cancellationToken).ConfigureAwait(false);
        return identity;
    }

    private async ValueTask<Guid> TryIdentifyAsync(IPersistenceEngine events, CancellationToken cancellationToken)
    {
        if (plan.ReadOnly is not null) return Guid.Empty; // it keeps nothing, so nothing is bound to it
        try
        {
            return await StoreIdentity.FindOrCreateAsync(events, isReadOnly: false, cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException error) when (Outage.Explains(error) && plan.ConsumerStorage is null)
        {
            return Guid.Empty; // it is created when the store is built the next time
        }
    }

    // A store for reading only may wait for a storage that another process has not created yet, or is creating.
    private async ValueTask PatientlyAsync(Func<CancellationToken, ValueTask> open, CancellationToken cancellationToken)
    {
        var patience = plan.ReadOnly?.WaitForStorage ?? TimeSpan.Zero;
        var started = plan.Time.GetTimestamp();
        while (true)
        {
            try
            {
                await open(cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (StorageException error) when (
                (error is StorageNotFoundException || Outage.Explains(error)) && plan.Time.GetElapsedTime(started) < patience)
            {
                await Task.Delay(RetryInterval, plan.Time, cancellationToken).ConfigureAwait(false);
            }
            catch (BatchOutcomeUnknownException unknown)
            {
                throw new StorageUnavailableException(
                    $"It is unknown whether the storage was created: {unknown.Message} Build the store again; that settles it.", unknown);
            }
        }
    }
}
