namespace EventStore.Pipeline;

/// <summary>
/// Writes documents, and settles a write whose outcome an engine does not know: what is stored shows it. Versions make it safe to repeat.
/// </summary>
internal static class SettledDocuments
{
    /// <summary>Writes a document over a version of it, 0 for none.</summary>
    /// <returns>The new version; null if another process was faster.</returns>
    /// <exception cref="StorageUnavailableException">It is still unknown whether it is written. Try again.</exception>
    public static async ValueTask<long?> PutSettledAsync(
        this IPersistenceEngine engine, string name, ReadOnlyMemory<byte> content, long version, CancellationToken cancellationToken)
    {
        try
        {
            return await engine.PutDocumentAsync(name, content, version, cancellationToken).ConfigureAwait(false);
        }
        catch (BatchOutcomeUnknownException unknown)
        {
            var found = await engine.FindDocumentAsync(name, cancellationToken).ConfigureAwait(false);
            if ((found?.Version ?? 0) == version) throw StillUnknown(name, unknown);
            return found is not null && found.Content.Span.SequenceEqual(content.Span) ? found.Version : null;
        }
    }

    /// <summary>Deletes a document of a version; false if another process was faster.</summary>
    /// <exception cref="StorageUnavailableException">It is still unknown whether it is deleted. Try again.</exception>
    public static async ValueTask<bool> DeleteSettledAsync(
        this IPersistenceEngine engine, string name, long version, CancellationToken cancellationToken)
    {
        try
        {
            return await engine.DeleteDocumentAsync(name, version, cancellationToken).ConfigureAwait(false);
        }
        catch (BatchOutcomeUnknownException unknown)
        {
            var found = await engine.FindDocumentAsync(name, cancellationToken).ConfigureAwait(false);
            if (found?.Version == version) throw StillUnknown(name, unknown);
            return found is null;
        }
    }

    private static StorageUnavailableException StillUnknown(string name, BatchOutcomeUnknownException unknown) =>
        new(
            $"The document '{Names.Printable(name)}' was not changed yet, and it is unknown whether the change arrives later. Try again.",
            unknown);
}
