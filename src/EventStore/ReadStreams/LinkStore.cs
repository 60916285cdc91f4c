using EventStore.Pipeline;

namespace EventStore.ReadStreams;

/// <summary>The links of one generation as they are written: full parts that never change, and the open part at the end.</summary>
/// <param name="Parts">How many full parts there are.</param>
/// <param name="Open">The checkpoints of the open part, ascending.</param>
/// <param name="FilledTo">Everything up to this checkpoint was examined.</param>
/// <param name="Version">The version of the document; 0 before it was written.</param>
internal sealed record Links(long Parts, IReadOnlyList<long> Open, long FilledTo, long Version)
{
    public static Links None { get; } = new(0, [], 0, 0);

    public long Count => (Parts * LinkStore.LinksPerPart) + Open.Count;
}

/// <summary>
/// Keeps the links of one generation in documents: <c>readstreams/links/{generation}/tail</c> and <c>…/{part}</c>. A full part is written
/// once, by the process that is first; others adopt it. So any number of processes may fill the same read stream.
/// </summary>
/// <remarks>
/// A part holds the checkpoint up to which it is filled, and its links. The tail holds the number of parts before it, then the same.
/// </remarks>
internal sealed class LinkStore(IPersistenceEngine documents, Guid generation, ReadStreamSigner signer, bool isReadOnly)
{
    public const int LinksPerPart = 1024;

    // A store of 10^18 events has fewer parts.
    private const long MaxParts = 1L << 50;

    private readonly string folder = $"readstreams/links/{generation:N}/";

    /// <summary>Whether links cannot be written.</summary>
    public bool IsReadOnly => isReadOnly;

    public async ValueTask<Links> LoadAsync(CancellationToken cancellationToken)
    {
        var found = await documents.FindDocumentAsync(Tail, cancellationToken).ConfigureAwait(false);
        if (found is null) return Links.None;
        var numbers = LinkFormat.Read(Tail, found.Content.Span, before: 2, signer);
        if (numbers[0] > MaxParts)
            throw new CorruptStorageException($"document '{Tail}'", $"it counts {numbers[0]} parts.", "Rebuild the read stream.");
        return new Links(numbers[0], numbers[2..], numbers[1], found.Version);
    }

    /// <summary>Writes the tail; returns null if another process was faster.</summary>
    public async ValueTask<Links?> TrySaveAsync(Links links, CancellationToken cancellationToken)
    {
        var content = LinkFormat.Write(Tail, [links.Parts, links.FilledTo, .. links.Open], signer);
        var written = await documents.PutSettledAsync(Tail, content, links.Version, cancellationToken).ConfigureAwait(false);
        return written is { } version ? links with { Version = version } : null;
    }

    /// <summary>Writes the open links as a part. A part that exists already is adopted; null where it is being deleted.</summary>
    public async ValueTask<Links?> SealAsync(Links links, CancellationToken cancellationToken)
    {
        var document = PartOf(links.Parts);
        var content = LinkFormat.Write(document, [links.FilledTo, .. links.Open], signer);
        if (await documents.PutSettledAsync(document, content, 0, cancellationToken).ConfigureAwait(false) is not null)
            return links with { Parts = links.Parts + 1, Open = [] };

        var found = await documents.FindDocumentAsync(document, cancellationToken).ConfigureAwait(false);
        return found is null ? null : links with { Parts = links.Parts + 1, Open = [], FilledTo = Numbers(found)[0] };
    }

    /// <summary>The checkpoints of a full part; null where it does not exist.</summary>
    public async ValueTask<IReadOnlyList<long>?> LoadPartAsync(long part, CancellationToken cancellationToken)
    {
        var found = await documents.FindDocumentAsync(PartOf(part), cancellationToken).ConfigureAwait(false);
        return found is null ? null : Numbers(found)[1..];
    }

    /// <summary>The exception for a part that does not exist.</summary>
    public CorruptStorageException Missing(long part) =>
        new($"document '{PartOf(part)}'", "it does not exist.", "Rebuild the read stream.");

    public async ValueTask DeleteAsync(CancellationToken cancellationToken)
    {
        const int PageSize = 100;
        IReadOnlyList<NamedDocument> page;
        do
        {
            page = await documents.ListDocumentsAsync(folder, "", PageSize, cancellationToken).ConfigureAwait(false);
            foreach (var document in page)
                await documents.DeleteSettledAsync(document.Name, document.Version, cancellationToken).ConfigureAwait(false);
        }
        while (page.Count > 0);
    }

    private string Tail => folder + "tail";

    private string PartOf(long part) => $"{folder}{part:D10}";

    private long[] Numbers(NamedDocument part) => LinkFormat.Read(part.Name, part.Content.Span, before: 1, signer);
}
