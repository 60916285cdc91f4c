using System.Runtime.CompilerServices;
using EventStore.Feeds;
using EventStore.Pipeline;

namespace EventStore.ReadStreams;

/// <summary>Creates, reads, rebuilds and drops read streams. What is stored of them are documents; events are never touched.</summary>
internal sealed class ReadStreamHost(IPersistenceEngine documents, ReadPath reads, ReadOnlyMemory<byte> key, bool isReadOnly, Liveness liveness) : IReadStreams
{
    private const int ListPageSize = 100;

    public async ValueTask CreateAsync(string name, EventPredicate condition, CancellationToken cancellationToken = default)
    {
        Require(name);
        ArgumentNullException.ThrowIfNull(condition);
        var wanted = Definition.Of(name, condition, key.Span);
        if (await documents.PutDocumentAsync(Definition.DocumentOf(name), wanted.Write(), 0, cancellationToken).ConfigureAwait(false) is null)
        {
            var (existing, _) = await LoadAsync(name, cancellationToken).ConfigureAwait(false)
                ?? throw new ReadStreamException(name, "is just being dropped.", "Create it again once it is gone.");
            existing.Verify(name, key.Span);
            if (existing.Condition != wanted.Condition)
                throw new ReadStreamException(name, "exists with another condition. Nothing was changed.", "Give this one a name of its own, or drop the other first.");
        }

        await FillAsync(await OpenAsync(name, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
    }

    public async IAsyncEnumerable<LinkedEvent> ReadAsync(
        string name,
        Revision? from = null,
        Revision? to = null,
        ReadDirection direction = ReadDirection.Forward,
        EventDecoding decoding = EventDecoding.Eager,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        Require(name);
        var stream = await OpenAsync(name, cancellationToken).ConfigureAwait(false);
        var links = await FillAsync(stream, cancellationToken).ConfigureAwait(false);
        await foreach (var link in stream.ReadAsync(links, from?.Value ?? 1, to?.Value ?? long.MaxValue, direction, cancellationToken).ConfigureAwait(false))
        {
            if (decoding == EventDecoding.Eager) _ = link.Event.Body;
            yield return link;
            liveness.ThrowIfDisposed();
        }
    }

    public async ValueTask<ReadStreamInfo?> FindAsync(string name, CancellationToken cancellationToken = default)
    {
        Require(name);
        return await LoadAsync(name, cancellationToken).ConfigureAwait(false) is { } found ? await DescribeAsync(name, found.Definition, cancellationToken).ConfigureAwait(false) : null;
    }

    public async IAsyncEnumerable<ReadStreamInfo> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var after = "";
        IReadOnlyList<NamedDocument> page;
        do
        {
            liveness.ThrowIfDisposed();
            page = await documents.ListDocumentsAsync(Definition.Prefix, after, ListPageSize, cancellationToken).ConfigureAwait(false);
            foreach (var document in page)
            {
                var name = Definition.NameIn(document.Name);
                var definition = Definition.Read(name, document.Content);
                if (!definition.IsDropped) yield return await DescribeAsync(name, definition, cancellationToken).ConfigureAwait(false);
            }

            if (page.Count > 0) after = page[^1].Name;
        }
        while (page.Count == ListPageSize);
    }

    public async ValueTask RebuildAsync(string name, CancellationToken cancellationToken = default)
    {
        Require(name);
        var (definition, version) = await LoadAsync(name, cancellationToken).ConfigureAwait(false) ?? throw Missing(name);
        var condition = definition.Verify(name, key.Span);
        var old = definition.Generation;
        definition.Generation = NewId.Next();
        var store = new LinkStore(documents, definition.Generation);
        await FillAsync(new ReadStream(name, condition, store, static _ => new(true), reads, isReadOnly), cancellationToken).ConfigureAwait(false);

        var isCurrent = await documents.PutDocumentAsync(Definition.DocumentOf(name), definition.Write(), version, cancellationToken).ConfigureAwait(false) is not null;
        await (isCurrent ? new LinkStore(documents, old) : store).DeleteAsync(cancellationToken).ConfigureAwait(false);
        if (!isCurrent) throw new ReadStreamException(name, "was rebuilt or dropped by another process meanwhile.", "Rebuild it again if that is still wanted.");
    }

    public async ValueTask<bool> DropAsync(string name, CancellationToken cancellationToken = default)
    {
        Require(name);
        while (true)
        {
            var document = await documents.FindDocumentAsync(Definition.DocumentOf(name), cancellationToken).ConfigureAwait(false);
            if (document is null) return false;

            // First it says that it goes, then its links go, then it goes itself: dropping again finishes what was broken off.
            var definition = Definition.Read(name, document.Content);
            definition.IsDropped = true;
            if (await documents.PutDocumentAsync(document.Name, definition.Write(), document.Version, cancellationToken).ConfigureAwait(false) is not { } version) continue;
            await new LinkStore(documents, definition.Generation).DeleteAsync(cancellationToken).ConfigureAwait(false);
            if (await documents.DeleteDocumentAsync(document.Name, version, cancellationToken).ConfigureAwait(false)) return true;
        }
    }

    public async IAsyncEnumerable<CommittedEvent> ReadJoinedAsync(
        IReadOnlyList<StreamId> streams, EventDecoding decoding = EventDecoding.Eager, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(streams);
        liveness.ThrowIfDisposed();
        var head = await reads.FindHeadAsync(cancellationToken).ConfigureAwait(false);
        var opened = new List<IAsyncEnumerator<CommittedEvent>>();
        var next = new PriorityQueue<IAsyncEnumerator<CommittedEvent>, long>();
        try
        {
            foreach (var stream in streams.Distinct())
            {
                opened.Add(reads.ReadStreamAsync(stream, StreamRange.All, decoding, cancellationToken).GetAsyncEnumerator(cancellationToken));
                await AdvanceAsync(opened[^1]).ConfigureAwait(false);
            }

            while (next.TryDequeue(out var first, out _))
            {
                yield return first.Current;
                await AdvanceAsync(first).ConfigureAwait(false);
            }
        }
        finally
        {
            foreach (var stream in opened) await stream.DisposeAsync().ConfigureAwait(false);
        }

        async ValueTask AdvanceAsync(IAsyncEnumerator<CommittedEvent> stream)
        {
            if (await stream.MoveNextAsync().ConfigureAwait(false) && stream.Current.Checkpoint <= head) next.Enqueue(stream, stream.Current.Checkpoint.Value);
        }
    }

    /// <summary>What a consumer of a read stream reads from.</summary>
    public IFeed FeedOf(string name) => new LinkFeed(cancellationToken => OpenAsync(name, cancellationToken), reads);

    private async ValueTask<ReadStream> OpenAsync(string name, CancellationToken cancellationToken)
    {
        var (definition, _) = await LoadAsync(name, cancellationToken).ConfigureAwait(false) ?? throw Missing(name);
        return new ReadStream(name, definition.Verify(name, key.Span), new LinkStore(documents, definition.Generation), IsCurrentAsync, reads, isReadOnly);

        async ValueTask<bool> IsCurrentAsync(CancellationToken token) => await LoadAsync(name, token).ConfigureAwait(false) is { } now && now.Definition.Generation == definition.Generation;
    }

    // One that is being dropped is not there any more.
    private async ValueTask<(Definition Definition, long Version)?> LoadAsync(string name, CancellationToken cancellationToken)
    {
        var found = await documents.FindDocumentAsync(Definition.DocumentOf(name), cancellationToken).ConfigureAwait(false);
        if (found is null) return null;
        var definition = Definition.Read(name, found.Content);
        return definition.IsDropped ? null : (definition, found.Version);
    }

    private async ValueTask<Links> FillAsync(ReadStream stream, CancellationToken cancellationToken)
    {
        var head = await reads.FindHeadAsync(cancellationToken).ConfigureAwait(false);
        var links = await stream.FillAsync(head, cancellationToken).ConfigureAwait(false);
        if (links.FilledTo > head.Value && await reads.FindHeadAsync(cancellationToken).ConfigureAwait(false) is var now && links.FilledTo > now.Value)
            throw new PositionAheadException(stream.Name, new Checkpoint(links.FilledTo), now);
        return links;
    }

    private async ValueTask<ReadStreamInfo> DescribeAsync(string name, Definition definition, CancellationToken cancellationToken)
    {
        var links = await new LinkStore(documents, definition.Generation).LoadAsync(cancellationToken).ConfigureAwait(false);
        return new ReadStreamInfo(name, definition.Verify(name, key.Span), new Revision(links.Count), new Checkpoint(links.FilledTo));
    }

    private void Require(string name)
    {
        liveness.ThrowIfDisposed();
        ArgumentException.ThrowIfNullOrEmpty(name);
        NamedDocument.RequireName(Definition.DocumentOf(name));
    }

    private static ReadStreamException Missing(string name) => new(name, "does not exist.", "Create it with ReadStreams.CreateAsync.");
}
