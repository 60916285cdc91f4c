using System.Runtime.CompilerServices;
using EventStore.Diagnostics;
using EventStore.Feeds;
using EventStore.Pipeline;
using Microsoft.Extensions.Logging;

namespace EventStore.ReadStreams;

/// <summary>Creates, reads, rebuilds and drops read streams. They are stored as documents only; events are never changed.</summary>
internal sealed class ReadStreamHost(ReadStreamDocuments documents, ReadPath reads, StoreLifetime lifetime, ILogger logger) : IReadStreams
{
    public async ValueTask CreateAsync(string name, EventPredicate condition, CancellationToken cancellationToken = default)
    {
        Require(name);
        ArgumentNullException.ThrowIfNull(condition);
        documents.Signer.RequireChoice(name);
        if (!documents.Signer.HasKey) Log.ReadStreamUnsigned(logger, Names.Printable(name));
        var wanted = Definition.Of(name, condition, documents.Signer);
        if (await documents.TryPutAsync(name, wanted, 0, cancellationToken).ConfigureAwait(false) is null)
        {
            var (existing, _) = await documents.FindAsync(name, cancellationToken).ConfigureAwait(false)
                ?? throw new ReadStreamException(name, "is being dropped.", "Create it again after that.");
            documents.Verify(name, existing);
            if (existing.Condition != wanted.Condition)
                throw new ReadStreamException(
                    name,
                    "exists with another condition. Nothing was changed.",
                    "Choose another name, or drop the other read stream first.");
        }

        var opened = await OpenAsync(name, cancellationToken).ConfigureAwait(false);
        await opened.FillToHeadAsync(cancellationToken).ConfigureAwait(false);
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
        OptionRules.RequireDefined(direction);
        OptionRules.RequireDefined(decoding);
        var stream = await OpenAsync(name, cancellationToken).ConfigureAwait(false);
        var links = await stream.FillToHeadAsync(cancellationToken).ConfigureAwait(false);
        var range = stream.ReadAsync(links, from?.Value ?? 1, to?.Value ?? long.MaxValue, direction, cancellationToken);
        await foreach (var link in range.ConfigureAwait(false))
        {
            lifetime.ThrowIfEnded();
            if (decoding == EventDecoding.Eager) _ = link.Event.Body;
            yield return link;
        }
    }

    public async ValueTask<ReadStreamInfo?> FindAsync(string name, CancellationToken cancellationToken = default)
    {
        Require(name);
        return await documents.FindAsync(name, cancellationToken).ConfigureAwait(false) is { } found
            ? await DescribeAsync(name, found.Definition, cancellationToken).ConfigureAwait(false)
            : null;
    }

    public async IAsyncEnumerable<ReadStreamInfo> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        lifetime.ThrowIfEnded();
        await foreach (var (name, document) in documents.ListAsync(cancellationToken).ConfigureAwait(false))
        {
            lifetime.ThrowIfEnded();
            if (await DescribeAsync(name, document, cancellationToken).ConfigureAwait(false) is { } described) yield return described;
        }
    }

    public async ValueTask RebuildAsync(string name, CancellationToken cancellationToken = default)
    {
        Require(name);
        var (definition, version) = await documents.FindAsync(name, cancellationToken).ConfigureAwait(false) ?? throw Missing(name);
        var condition = documents.Verify(name, definition);
        var rebuilt = definition.Rebuilt(name, documents.Signer);
        var links = documents.LinksOf(rebuilt.Generation);
        var generation = new ReadStreamGeneration(name, condition, links, static _ => new(true));
        await new ReadStream(generation, reads).FillToHeadAsync(cancellationToken).ConfigureAwait(false);

        var isCurrent = await documents.TryPutAsync(name, rebuilt, version, cancellationToken).ConfigureAwait(false) is not null;
        await (isCurrent ? documents.LinksOf(definition.Generation) : links).DeleteAsync(cancellationToken).ConfigureAwait(false);
        if (!isCurrent)
            throw new ReadStreamException(
                name, "was rebuilt or dropped by another process meanwhile.", "Rebuild it again if that is still wanted.");
    }

    public async ValueTask<bool> DropAsync(string name, CancellationToken cancellationToken = default)
    {
        Require(name);
        while (true)
        {
            if (await documents.FindStoredAsync(name, cancellationToken).ConfigureAwait(false) is not var (definition, version))
                return false;

            // The links of a definition that cannot be read cannot be found.
            if (definition is null)
            {
                if (await documents.TryDeleteAsync(name, version, cancellationToken).ConfigureAwait(false)) return true;
                continue;
            }

            // The definition is marked, then the links are deleted, then the definition. Dropping again finishes what was interrupted.
            var dropped = definition.Dropped(name, documents.Signer);
            if (await documents.TryPutAsync(name, dropped, version, cancellationToken).ConfigureAwait(false) is not { } marked) continue;
            await documents.LinksOf(definition.Generation).DeleteAsync(cancellationToken).ConfigureAwait(false);
            if (await documents.TryDeleteAsync(name, marked, cancellationToken).ConfigureAwait(false)) return true;
        }
    }

    public async IAsyncEnumerable<CommittedEvent> ReadJoinedAsync(
        IReadOnlyList<StreamId> streams,
        EventDecoding decoding = EventDecoding.Eager,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(streams);
        OptionRules.RequireDefined(decoding);
        foreach (var stream in streams) _ = stream.Id;
        lifetime.ThrowIfEnded();
        var head = await reads.Pages.FindHeadAsync(cancellationToken).ConfigureAwait(false);
        var opened = new List<IAsyncEnumerator<CommittedEvent>>();
        var next = new PriorityQueue<IAsyncEnumerator<CommittedEvent>, long>();
        try
        {
            foreach (var stream in streams.Distinct())
            {
                opened.Add(
                    reads.ReadStreamAsync(stream, StreamRange.All, decoding, cancellationToken).GetAsyncEnumerator(cancellationToken));
                await AdvanceAsync(opened[^1]).ConfigureAwait(false);
            }

            while (next.TryDequeue(out var first, out _))
            {
                lifetime.ThrowIfEnded();
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
            if (!await stream.MoveNextAsync().ConfigureAwait(false) || stream.Current.Checkpoint > head) return;
            next.Enqueue(stream, stream.Current.Checkpoint.Value);
        }
    }

    /// <summary>Opens the feed from which a consumer of a read stream reads.</summary>
    public IFeed OpenFeed(FeedRequest request)
    {
        var name = request.Source.ReadStream ?? throw new ArgumentException("The source is not a read stream.", nameof(request));
        return new LinkFeed(cancellationToken => OpenAsync(name, cancellationToken), request);
    }

    private async ValueTask<ReadStream> OpenAsync(string name, CancellationToken cancellationToken)
    {
        var (definition, _) = await documents.FindAsync(name, cancellationToken).ConfigureAwait(false) ?? throw Missing(name);
        var (condition, generation) = (documents.Verify(name, definition), definition.Generation);
        var links = documents.LinksOf(generation);
        return new ReadStream(
            new ReadStreamGeneration(name, condition, links, token => documents.IsCurrentAsync(name, generation, token)), reads);
    }

    private async ValueTask<ReadStreamInfo> DescribeAsync(string name, Definition definition, CancellationToken cancellationToken)
    {
        var condition = documents.Verify(name, definition);
        var links = await documents.LinksOf(definition.Generation).LoadAsync(cancellationToken).ConfigureAwait(false);
        return new ReadStreamInfo(name, condition, new Revision(links.Count), new Checkpoint(links.FilledTo));
    }

    // Null while it is being dropped.
    private async ValueTask<ReadStreamInfo?> DescribeAsync(string name, NamedDocument document, CancellationToken cancellationToken)
    {
        try
        {
            var definition = Definition.Read(name, document.Content);
            return definition.IsDropped ? null : await DescribeAsync(name, definition, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is ReadStreamException or CorruptStorageException)
        {
            return new ReadStreamInfo(name, null, Revision.None, Checkpoint.Origin) { Fault = error.Message };
        }
    }

    private void Require(string name)
    {
        lifetime.ThrowIfEnded();
        Names.RequireFeature(name, nameof(name));
    }

    private static ReadStreamException Missing(string name) => new(name, "does not exist.", "Create it with ReadStreams.CreateAsync.");
}
