using EventStore.Pipeline;

namespace EventStore.Composition;

/// <summary>
/// The identity of a store: a random id in the document <c>store/identity</c>, created when the store is first built for writing. Encrypted
/// payloads, signatures, and consumers and read streams that are kept elsewhere are bound to it. Backups share it.
/// </summary>
internal static class StoreIdentity
{
    private const string Document = "store/identity";

    private static async ValueTask<Guid> FindAsync(IPersistenceEngine engine, CancellationToken cancellationToken) =>
        await engine.FindDocumentAsync(Document, cancellationToken).ConfigureAwait(false) is { } found
            ? Read(found.Content.Span)
            : Guid.Empty;

    /// <summary>Reads the identity, or creates it where this process may write.</summary>
    /// <exception cref="StorageNotFoundException">It does not exist, and the store is opened for reading only.</exception>
    /// <exception cref="CorruptStorageException">It is not an identity.</exception>
    public static async ValueTask<Guid> FindOrCreateAsync(IPersistenceEngine engine, bool isReadOnly, CancellationToken cancellationToken)
    {
        while (true)
        {
            var found = await FindAsync(engine, cancellationToken).ConfigureAwait(false);
            if (found != Guid.Empty) return found;
            if (isReadOnly)
                throw new StorageNotFoundException(
                    "The store has no identity yet, to which encrypted payloads, signatures, and consumers kept elsewhere are bound. Build "
                    + "it once for writing before it is read, or pass OpenReadOnly a time to wait for that.");
            var id = SequentialGuid.Next().ToByteArray(bigEndian: true);
            await engine.PutSettledAsync(Document, id, 0, cancellationToken).ConfigureAwait(false);
        }
    }

    private static Guid Read(ReadOnlySpan<byte> content) => content.Length == 16
        ? new Guid(content, bigEndian: true)
        : throw new CorruptStorageException(
            $"document '{Document}'", $"it has {content.Length} bytes, not 16.", "Restore it from a backup of this store.");
}
