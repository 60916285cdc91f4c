using System.Runtime.CompilerServices;
using EventStore.Pipeline;

namespace EventStore.ReadStreams;

/// <summary>The stored definitions of read streams, each signed with the key of the wireup, and their links.</summary>
internal sealed class ReadStreamDocuments(IPersistenceEngine engine, ReadOnlyMemory<byte> key, bool isReadOnly)
{
    private const int PageSize = 100;

    /// <summary>Whether definitions are signed with a key, not with an empty one.</summary>
    public bool HasKey => !key.IsEmpty;

    public Definition Define(string name, EventPredicate condition) => Definition.Of(name, condition, key.Span);

    /// <summary>The condition of a definition.</summary>
    /// <exception cref="ReadStreamException">The definition was changed, or signed with another key.</exception>
    public EventPredicate Verify(string name, Definition definition) => definition.Verify(name, key.Span);

    /// <summary>The definition of a name; null where there is none, or it is being dropped.</summary>
    public async ValueTask<(Definition Definition, long Version)?> FindAsync(string name, CancellationToken cancellationToken) =>
        await FindStoredAsync(name, cancellationToken).ConfigureAwait(false) is { Definition.IsDropped: false } found ? found : null;

    /// <summary>The definition of a name, also while it is being dropped; null where there is none.</summary>
    public async ValueTask<(Definition Definition, long Version)?> FindStoredAsync(string name, CancellationToken cancellationToken)
    {
        var found = await engine.FindDocumentAsync(Definition.DocumentOf(name), cancellationToken).ConfigureAwait(false);
        return found is null ? null : (Definition.Read(name, found.Content), found.Version);
    }

    /// <summary>Writes a definition over a version of it, 0 for none.</summary>
    /// <returns>The new version; null if another process was faster.</returns>
    public ValueTask<long?> TryPutAsync(string name, Definition definition, long version, CancellationToken cancellationToken) =>
        engine.PutSettledAsync(Definition.DocumentOf(name), definition.Write(), version, cancellationToken);

    /// <summary>Deletes a definition; false if another process was faster.</summary>
    public ValueTask<bool> TryDeleteAsync(string name, long version, CancellationToken cancellationToken) =>
        engine.DeleteSettledAsync(Definition.DocumentOf(name), version, cancellationToken);

    /// <summary>The definitions that are not being dropped, in order of their names.</summary>
    public async IAsyncEnumerable<(string Name, Definition Definition)> ListAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var after = "";
        IReadOnlyList<NamedDocument> page;
        do
        {
            page = await engine.ListDocumentsAsync(Definition.Prefix, after, PageSize, cancellationToken).ConfigureAwait(false);
            foreach (var document in page)
            {
                var name = Definition.NameIn(document.Name);
                var definition = Definition.Read(name, document.Content);
                if (!definition.IsDropped) yield return (name, definition);
            }

            if (page.Count > 0) after = page[^1].Name;
        }
        while (page.Count == PageSize);
    }

    public LinkStore LinksOf(Guid generation) => new(engine, generation, isReadOnly);

    /// <summary>Whether a generation of a read stream was neither replaced nor dropped.</summary>
    public async ValueTask<bool> IsCurrentAsync(string name, Guid generation, CancellationToken cancellationToken) =>
        await FindAsync(name, cancellationToken).ConfigureAwait(false) is { } now && now.Definition.Generation == generation;
}
