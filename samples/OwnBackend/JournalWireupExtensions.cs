using EventStore.Engines;

namespace OwnBackend;

/// <summary>How an application chooses the journal: by a verb on the wireup, or by an address.</summary>
public static class JournalWireupExtensions
{
    /// <summary>Stores in a journal, one file. One store at a time may have it open.</summary>
    public static Wireup UsingJournalPersistence(this Wireup wireup, string path)
    {
        ArgumentNullException.ThrowIfNull(wireup);
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        return wireup.UsingPersistence(nameof(UsingJournalPersistence), context => new JournalPersistenceEngine(path, context));
    }

    /// <summary>Makes journals known by addresses such as <c>journal:orders.jsonl</c>.</summary>
    public static EngineCatalogue AddJournal(this EngineCatalogue engines)
    {
        ArgumentNullException.ThrowIfNull(engines);
        return engines.Add("journal", (path, context) => string.IsNullOrWhiteSpace(path)
            ? throw new WireupException("A journal needs a path, as in 'journal:orders.jsonl'.")
            : new JournalPersistenceEngine(path, context));
    }
}
