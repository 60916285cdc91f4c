using EventStore.FileSystem.Index;
using EventStore.FileSystem.Log;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Documents;

/// <summary>Keeps named documents. They lie in the log, and the address of the newest is the version, which therefore never comes twice.</summary>
internal sealed class DocumentStore(OpenStore store)
{
    public NamedDocument? Find(string name)
    {
        for (var position = VersionOf(name); position != 0; position = VersionOf(name))
        {
            if (TryLoad(position) is { } document) return document;
        }

        return null;
    }

    public long? Put(string name, ReadOnlyMemory<byte> content, long expectedVersion) => store.Write<long?>(() =>
    {
        if (VersionOf(name) != expectedVersion) return (null, null);
        var position = store.Log.NextPosition;
        RecordCodec.WriteDocument(store.Log.Body, name, content.Span);
        store.Log.EndFrame(FrameKind.DocumentPut, 0);
        return (position, () => store.Index.AddDocument(name, position));
    });

    public bool Delete(string name, long expectedVersion) => store.Write<bool>(() =>
    {
        var version = VersionOf(name);
        if (version == 0 || version != expectedVersion) return (false, null);
        RecordCodec.WriteDocumentDeletion(store.Log.Body, name);
        store.Log.EndFrame(FrameKind.DocumentDelete, 0);
        return (true, () => store.Index.AddDocumentDeletion(name));
    });

    public IReadOnlyList<NamedDocument> List(string prefix, string after, int limit)
    {
        var found = new List<NamedDocument>();
        var (prefixKey, afterKey) = (IndexKeys.OfDocument(prefix), IndexKeys.OfDocument(after));
        var cursor = store.Index.State.OpenCursor();
        var from = afterKey.AsSpan().SequenceCompareTo(prefixKey) > 0 ? afterKey : prefixKey;
        for (var isThere = cursor.Seek(from); isThere && found.Count < limit && cursor.Key.StartsWith(prefixKey); isThere = cursor.Next())
        {
            if (cursor.Value.IsEmpty || cursor.Key.SequenceCompareTo(afterKey) <= 0) continue;
            if ((TryLoad(Varint.Read(cursor.Value)) ?? Find(IndexKeys.DocumentIn(cursor.Key))) is { } document) found.Add(document);
        }

        return found;
    }

    private long VersionOf(string name) =>
        store.Index.State.TryFind(IndexKeys.OfDocument(name), out var value) && value.Length > 0 ? Varint.Read(value) : 0;

    // Null if the document was replaced, and compacted away, since it was looked up.
    private NamedDocument? TryLoad(long position) =>
        store.Look(position, static frame => frame.Kind == FrameKind.DocumentPut ? RecordCodec.ReadDocument(frame) : null);
}
