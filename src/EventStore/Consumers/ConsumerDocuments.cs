using System.Runtime.CompilerServices;
using EventStore.Leases;
using EventStore.Pipeline;

namespace EventStore.Consumers;

/// <summary>The documents of consumers, one for each name.</summary>
internal sealed class ConsumerDocuments(IPersistenceEngine engine, TimeProvider time)
{
    private const int PageSize = 200;

    /// <summary>The lease of a consumer's document.</summary>
    public Lease<ConsumerRecord> LeaseOf(string name, ConsumerOptions options) =>
        new(new Ledger<ConsumerRecord>(engine, ConsumerRecord.DocumentOf(name)), options.LeaseTerm, options.PollInterval, time);

    /// <summary>Deletes a consumer that no process runs.</summary>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="ConsumerTakenException">Another process runs it.</exception>
    public async ValueTask<bool> DeleteAsync(string name, CancellationToken cancellationToken)
    {
        var lease = LeaseOf(name, new ConsumerOptions());
        if (!(await lease.Ledger.LoadAsync(cancellationToken).ConfigureAwait(false)).IsStarted) return false;
        if (!await lease.TryAcquireFromDeadAsync(cancellationToken).ConfigureAwait(false))
            throw new ConsumerTakenException(name, "another process runs it.");

        var document = ConsumerRecord.DocumentOf(name);
        var found = await engine.FindDocumentAsync(document, cancellationToken).ConfigureAwait(false);
        return found is not null && await engine.DeleteSettledAsync(document, found.Version, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The names of all consumers that were ever started, in order.</summary>
    public async IAsyncEnumerable<string> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var after = "";
        IReadOnlyList<NamedDocument> page;
        do
        {
            page = await engine.ListDocumentsAsync(ConsumerRecord.Prefix, after, PageSize, cancellationToken).ConfigureAwait(false);
            foreach (var document in page) yield return ConsumerRecord.NameIn(document.Name);
            if (page.Count > 0) after = page[^1].Name;
        }
        while (page.Count == PageSize);
    }
}
