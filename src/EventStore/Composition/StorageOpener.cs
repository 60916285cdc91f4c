using EventStore.Leases;
using EventStore.Pipeline;

namespace EventStore.Composition;

/// <summary>Creates and initializes the engines of a store. Engines that the store owns are disposed with it.</summary>
internal sealed class StorageOpener(StorePlan plan, StoreLifetime lifetime)
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>Opens the engine that keeps the events.</summary>
    public async ValueTask<IPersistenceEngine> OpenEventsAsync(CancellationToken cancellationToken)
    {
        var engine = plan.Persistence.Create(plan.EngineContext);
        if (plan.ReadOnly is not null) engine = new ReadOnlyEngine(engine);
        if (plan.Persistence.IsOwned) lifetime.Own(engine);
        if (plan.Persistence.IsOwned || plan.MayCreateStorage) await InitializeAsync(engine, cancellationToken).ConfigureAwait(false);
        return engine;
    }

    /// <summary>Opens the engine that keeps consumers and read streams: the events' own one where no other was chosen.</summary>
    public async ValueTask<IPersistenceEngine> OpenDocumentsAsync(IPersistenceEngine events, CancellationToken cancellationToken)
    {
        if (plan.ConsumerStorage is not { } choice) return events;
        var documents = choice.Create(plan.EngineContext with { MayCreateStorage = true, IsReadOnly = false });
        if (!choice.IsOwned) return documents;
        lifetime.Own(documents);
        await documents.InitializeAsync(cancellationToken).ConfigureAwait(false);
        return documents;
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

    // Processes that only read cannot create it, and keep consumers that are bound to it.
    private async ValueTask<Guid> TryIdentifyAsync(IPersistenceEngine events, CancellationToken cancellationToken)
    {
        if (plan.ReadOnly is not null)
        {
            return plan.ConsumerStorage is null ? Guid.Empty : await FindIdentityAsync(events, cancellationToken).ConfigureAwait(false);
        }

        try
        {
            return await StoreIdentity.FindOrCreateAsync(events, isReadOnly: false, cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException error) when (Outage.Explains(error) && plan.ConsumerStorage is null)
        {
            return Guid.Empty; // it is created when the store is built the next time
        }
    }

    // What waits for its storage also waits for its identity, which the writer stores before the first event.
    private async ValueTask<Guid> FindIdentityAsync(IPersistenceEngine events, CancellationToken cancellationToken)
    {
        var identity = Guid.Empty;
        await PatientlyAsync(async token =>
        {
            identity = await StoreIdentity.FindAsync(events, token).ConfigureAwait(false);
            if (identity == Guid.Empty && plan.ReadOnly?.WaitForStorage > TimeSpan.Zero)
                throw new StorageNotFoundException(
                    "The store has no identity yet, to which consumers kept elsewhere are bound. Build it for writing once.");
        }, cancellationToken).ConfigureAwait(false);
        return identity;
    }

    private ValueTask InitializeAsync(IPersistenceEngine engine, CancellationToken cancellationToken) =>
        PatientlyAsync(engine.InitializeAsync, cancellationToken);

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
