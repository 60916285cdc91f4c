namespace EventStore.Composition;

/// <summary>
/// The identity of a store: a random id in the document <c>store/identity</c>, created when it is first needed. Encrypted payloads and
/// signatures are bound to it. Backups share it.
/// </summary>
internal static class StoreIdentity
{
    private const string Document = "store/identity";

    /// <summary>Reads the identity, or creates it where this process may write.</summary>
    /// <exception cref="StorageNotFoundException">It does not exist, and the store is opened for reading only.</exception>
    /// <exception cref="CorruptStorageException">It is not an identity.</exception>
    public static async ValueTask<Guid> FindOrCreateAsync(IPersistenceEngine engine, bool isReadOnly, CancellationToken cancellationToken)
    {
        while (true)
        {
            var found = await engine.FindDocumentAsync(Document, cancellationToken).ConfigureAwait(false);
            if (found is not null) return Read(found.Content.Span);
            if (isReadOnly)
                throw new StorageNotFoundException(
                    "The store has no identity yet, to which encrypted payloads and signatures are bound. "
                    + "Build it once for writing, with the same keys, before it is read.");
            await engine.PutDocumentAsync(Document, SequentialGuid.Next().ToByteArray(bigEndian: true), 0, cancellationToken).ConfigureAwait(false);
        }
    }

    private static Guid Read(ReadOnlySpan<byte> content) => content.Length == 16
        ? new Guid(content, bigEndian: true)
        : throw new CorruptStorageException(
            $"document '{Document}'", $"it has {content.Length} bytes, not 16.", "Restore it from a backup of this store.");
}
