using EventStore.Pipeline;

namespace EventStore.Imports;

/// <summary>Writes the document of an import, at an interval. Another process that continues the import is noticed.</summary>
/// <param name="engine">Keeps the document.</param>
/// <param name="name">The name of the import.</param>
/// <param name="store">The identity of the store; empty where it is not known.</param>
/// <param name="time">The clock.</param>
internal sealed class ImportJournal(IPersistenceEngine engine, string name, Guid store, TimeProvider time)
{
    private readonly string document = ImportRecord.DocumentOf(name);
    private long version;
    private long written;

    public string Name => name;

    /// <summary>The record as it was last read or written; null where there is none.</summary>
    public ImportRecord? Record { get; private set; }

    public bool IsDue(TimeSpan interval) => time.GetElapsedTime(written) >= interval;

    public async ValueTask<ImportRecord?> LoadAsync(CancellationToken cancellationToken)
    {
        var found = await engine.FindDocumentAsync(document, cancellationToken).ConfigureAwait(false);
        version = found?.Version ?? 0;
        return Record = found is null ? null : ImportRecord.Read(document, found.Content).In(store, document);
    }

    /// <exception cref="ImportException">Another process continued the import.</exception>
    public async ValueTask WriteAsync(ImportRecord record, CancellationToken cancellationToken)
    {
        record = record.In(store, document);
        if (await engine.PutSettledAsync(document, record.Write(), version, cancellationToken).ConfigureAwait(false) is not { } next)
            throw new ImportException(
                name, "was continued by another process.", "What was added up to now may be stored. Let one process run it.");
        (version, written, Record) = (next, time.GetTimestamp(), record);
    }
}
