using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Index;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Reading;

/// <summary>Finds named documents. They are in the log, and the address of the newest is the version.</summary>
internal static class DocumentReading
{
    public static NamedDocument? Find(StoreView store, string name)
    {
        for (var missed = 0L; VersionOf(store, name) is not 0 and var position; missed = position)
        {
            if (TryLoad(store, name, position) is { } document) return document;
            if (position == missed) throw new IndexDamageException(RunFormat.Folder, "a document is not where the index has it.");
        }

        return null;
    }

    public static IReadOnlyList<NamedDocument> List(StoreView store, string prefix, string after, int limit)
    {
        var found = new List<NamedDocument>();
        var (prefixKey, afterKey) = (IndexKeys.OfDocument(prefix), IndexKeys.OfDocument(after));
        var cursor = store.Index.State.OpenCursor();
        var from = afterKey.AsSpan().SequenceCompareTo(prefixKey) > 0 ? afterKey : prefixKey;
        for (var isThere = cursor.Seek(from); isThere && found.Count < limit && cursor.Key.StartsWith(prefixKey); isThere = cursor.Next())
        {
            if (cursor.Value.IsEmpty || cursor.Key.SequenceCompareTo(afterKey) <= 0) continue;
            var name = IndexKeys.DocumentIn(cursor.Key);
            if ((TryLoad(store, name, Varint.Read(cursor.Value)) ?? Find(store, name)) is { } document) found.Add(document);
        }

        return found;
    }

    /// <summary>The version of a document; 0 if there is none.</summary>
    public static long VersionOf(StoreView store, string name) =>
        store.Index.State.TryFind(IndexKeys.OfDocument(name), out var value) && value.Length > 0 ? Varint.Read(value) : 0;

    // Null if the document was replaced, and removed by compaction, since it was looked up; or if the index is damaged.
    private static NamedDocument? TryLoad(StoreView store, string name, long position) =>
        store.Look(position, static frame => frame.Kind == FrameKind.DocumentPut ? RecordCodec.ReadDocument(frame) : null) is { } found
        && found.Name == name ? found : null;
}
