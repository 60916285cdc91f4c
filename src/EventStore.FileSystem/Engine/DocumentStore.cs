using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Reading;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Engine;

/// <summary>Keeps named documents. The address of the newest is the version, which therefore never comes twice.</summary>
internal sealed class DocumentStore(OpenStore store)
{
    public long? Put(string name, ReadOnlyMemory<byte> content, long expectedVersion) => store.Write<long?>(() =>
    {
        if (DocumentReading.VersionOf(store.View, name) != expectedVersion) return (null, null);
        var position = store.Log.NextPosition;
        RecordCodec.WriteDocument(store.Log.Body, name, content.Span);
        store.Log.EndFrame(FrameKind.DocumentPut, 0);
        return (position, () => store.Index.AddDocument(name, position));
    });

    public bool Delete(string name, long expectedVersion) => store.Write<bool>(() =>
    {
        var version = DocumentReading.VersionOf(store.View, name);
        if (version == 0 || version != expectedVersion) return (false, null);
        RecordCodec.WriteDocumentDeletion(store.Log.Body, name);
        store.Log.EndFrame(FrameKind.DocumentDelete, 0);
        return (true, () => store.Index.AddDocumentDeletion(name));
    });
}
