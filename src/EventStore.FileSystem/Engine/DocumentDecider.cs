using EventStore.FileSystem.Reading;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Engine;

/// <summary>A document is to be written in place of the version that is expected to be there; 0 for none.</summary>
internal readonly record struct DocumentPut(string Name, ReadOnlyMemory<byte> Content, long ExpectedVersion);

/// <summary>A document is to be deleted, if it has the expected version.</summary>
internal readonly record struct DocumentDeletion(string Name, long ExpectedVersion);

/// <summary>
/// Decides about writing and deleting named documents. Their versions are addresses in the log, so no version comes twice.
/// </summary>
internal sealed class DocumentDecider(StoreView store) : IDecider<DocumentPut, long?>, IDecider<DocumentDeletion, bool>
{
    /// <summary>Returns the new version; null if another one is there than was expected.</summary>
    public long? Decide(DocumentPut asked, WritePlan plan) =>
        DocumentReading.VersionOf(store, asked.Name) == asked.ExpectedVersion ? plan.AddDocument(asked.Name, asked.Content) : null;

    public bool Decide(DocumentDeletion asked, WritePlan plan)
    {
        var version = DocumentReading.VersionOf(store, asked.Name);
        if (version == 0 || version != asked.ExpectedVersion) return false;
        plan.AddDocumentDeletion(asked.Name);
        return true;
    }
}
