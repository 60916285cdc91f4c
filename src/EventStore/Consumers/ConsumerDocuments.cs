using System.Runtime.CompilerServices;
using EventStore.Leases;
using EventStore.Pipeline;

namespace EventStore.Consumers;

/// <summary>Where one consumer is kept.</summary>
/// <param name="Lease">The lease of its document.</param>
/// <param name="States">Keeps its state where that is large.</param>
/// <param name="StoreId">The identity of the store that it reads; empty where it is not known.</param>
internal sealed record ConsumerStorage(Lease<ConsumerRecord> Lease, StateDocuments States, Guid StoreId);

/// <summary>The documents of consumers, one for each name, and two more for a large state.</summary>
internal sealed class ConsumerDocuments(IPersistenceEngine engine, Guid storeId, TimeProvider time)
{
    /// <summary>What to do about a consumer that cannot be deleted because it runs.</summary>
    public const string DeletionAdvice = "Nothing was deleted. Dispose it where it runs; then delete it.";

    private const int PageSize = 200;

    /// <summary>Where a consumer is kept. Dispose its lease when it has ended.</summary>
    public ConsumerStorage StorageOf(string name, ConsumerOptions options)
    {
        var ledger = new Ledger<ConsumerRecord>(engine, ConsumerRecord.DocumentOf(name));
        var lease = new Lease<ConsumerRecord>(ledger, options.LeaseTerm, options.PollInterval, time);
        return new(lease, new StateDocuments(engine, name, lease.Owner), storeId);
    }

    /// <summary>Deletes a consumer that no process runs.</summary>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="ConsumerTakenException">Another process runs it.</exception>
    public async ValueTask<bool> DeleteAsync(string name, CancellationToken cancellationToken)
    {
        var (lease, states, _) = StorageOf(name, new ConsumerOptions());
        using var ending = lease;
        if (!(await lease.Ledger.LoadAsync(cancellationToken).ConfigureAwait(false)).IsStarted) return false;
        if (!await lease.TryAcquireFromDeadAsync(cancellationToken).ConfigureAwait(false))
            throw new ConsumerTakenException(name, "another process runs it.", DeletionAdvice);

        var stored = await states.FindAllAsync(cancellationToken).ConfigureAwait(false);
        var document = ConsumerRecord.DocumentOf(name);
        var found = await engine.FindDocumentAsync(document, cancellationToken).ConfigureAwait(false);
        if (found is null || !await engine.DeleteSettledAsync(document, found.Version, cancellationToken).ConfigureAwait(false))
            return false;
        foreach (var state in stored)
            await engine.DeleteSettledAsync(state.Name, state.Version, cancellationToken).ConfigureAwait(false);
        return true;
    }

    /// <summary>The names of all consumers that were ever started, in order.</summary>
    public async IAsyncEnumerable<string> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var document in ListDocumentsAsync(cancellationToken).ConfigureAwait(false))
            yield return ConsumerRecord.NameIn(document.Name);
    }

    /// <summary>All consumers that were ever started, each with the checkpoint up to which it needs no event.</summary>
    public async IAsyncEnumerable<(string Name, Checkpoint Handled)> ListPositionsAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var document in ListDocumentsAsync(cancellationToken).ConfigureAwait(false))
        {
            var record = ConsumerRecord.Read(document.Name, document.Content);
            var handled = record.Parked.Count > 0 ? Math.Min(record.Parked[0] - 1, record.Checkpoint) : record.Checkpoint;
            if (record.IsStarted) yield return (ConsumerRecord.NameIn(document.Name), new Checkpoint(handled));
        }
    }

    private async IAsyncEnumerable<NamedDocument> ListDocumentsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var after = "";
        IReadOnlyList<NamedDocument> page;
        do
        {
            page = await engine.ListDocumentsAsync(ConsumerRecord.Prefix, after, PageSize, cancellationToken).ConfigureAwait(false);
            foreach (var document in page) yield return document;
            if (page.Count > 0) after = page[^1].Name;
        }
        while (page.Count == PageSize);
    }
}
