using System.Runtime.CompilerServices;
using EventStore.Pipeline;

namespace EventStore.ReadStreams;

/// <summary>The stored definitions of read streams, each signed with the key of the wireup, and their links.</summary>
internal sealed class ReadStreamDocuments(IPersistenceEngine engine, ReadStreamSigner signer, bool isReadOnly)
{
    private const int PageSize = 100;

    /// <summary>Signs what is stored.</summary>
    public ReadStreamSigner Signer => signer;

    /// <summary>The condition of a definition.</summary>
    /// <exception cref="ReadStreamException">The definition was changed, or signed with another key.</exception>
    public EventPredicate Verify(string name, Definition definition) => definition.Verify(name, signer);

    /// <summary>The definition of a name; null where there is none, or it is being dropped.</summary>
    /// <exception cref="ReadStreamException">It cannot be read.</exception>
    public async ValueTask<(Definition Definition, long Version)?> FindAsync(string name, CancellationToken cancellationToken)
    {
        if (await FindStoredAsync(name, cancellationToken).ConfigureAwait(false) is not var (definition, version)) return null;
        if (definition is null) throw Definition.Unreadable(name);
        return definition.IsDropped ? null : (definition, version);
    }

    /// <summary>
    /// The document of a name, also while it is being dropped; null where there is none. Without a definition if it cannot be read.
    /// </summary>
    public async ValueTask<(Definition? Definition, long Version)?> FindStoredAsync(string name, CancellationToken cancellationToken)
    {
        var found = await engine.FindDocumentAsync(Definition.DocumentOf(name), cancellationToken).ConfigureAwait(false);
        return found is null ? null : (Definition.TryRead(found.Content, out var definition) ? definition : null, found.Version);
    }

    /// <summary>Writes a definition over a version of it, 0 for none.</summary>
    /// <returns>The new version; null if another process was faster.</returns>
    public ValueTask<long?> TryPutAsync(string name, Definition definition, long version, CancellationToken cancellationToken) =>
        engine.PutSettledAsync(Definition.DocumentOf(name), definition.Write(), version, cancellationToken);

    /// <summary>Deletes a definition; false if another process was faster.</summary>
    public ValueTask<bool> TryDeleteAsync(string name, long version, CancellationToken cancellationToken) =>
        engine.DeleteSettledAsync(Definition.DocumentOf(name), version, cancellationToken);

    /// <summary>The documents of all definitions, in order of their names.</summary>
    public async IAsyncEnumerable<(string Name, NamedDocument Document)> ListAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var after = "";
        IReadOnlyList<NamedDocument> page;
        do
        {
            page = await engine.ListDocumentsAsync(Definition.Prefix, after, PageSize, cancellationToken).ConfigureAwait(false);
            foreach (var document in page) yield return (Definition.NameIn(document.Name), document);
            if (page.Count > 0) after = page[^1].Name;
        }
        while (page.Count == PageSize);
    }

    public LinkStore LinksOf(Guid generation) => new(engine, generation, signer, isReadOnly);

    /// <summary>Whether a generation of a read stream was neither replaced nor dropped.</summary>
    public async ValueTask<bool> IsCurrentAsync(string name, Guid generation, CancellationToken cancellationToken) =>
        await FindAsync(name, cancellationToken).ConfigureAwait(false) is { } now && now.Definition.Generation == generation;
}
