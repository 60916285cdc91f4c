using System.Runtime.CompilerServices;
using EventStore.Pipeline;

namespace EventStore.ReadStreams;

/// <summary>A read stream between two rebuilds.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Condition">The condition on the events that it links.</param>
/// <param name="Store">The links of this generation.</param>
/// <param name="IsCurrentAsync">Whether the read stream was neither rebuilt nor dropped since.</param>
internal sealed record ReadStreamGeneration(
    string Name, EventPredicate Condition, LinkStore Store, Func<CancellationToken, ValueTask<bool>> IsCurrentAsync);

/// <summary>
/// One generation of a read stream. Each reader fills it up to the head. Where documents cannot be written, missing links are looked up for
/// each read. After it was replaced by another generation it is not filled again, and throws.
/// </summary>
internal sealed class ReadStream(ReadStreamGeneration generation, ReadPath reads)
{
    private const int PagesPerSave = 32;

    // Links that are closer together than this are read together with the events between them.
    private const long MaxGap = 64;
    private const int MaxSlice = 128;

    private readonly EventPredicate condition = generation.Condition;
    private readonly LinkStore store = generation.Store;

    // The full part that was read last.
    private (long Number, IReadOnlyList<long> Links) part = (-1, []);

    public string Name => generation.Name;

    /// <summary>Links everything that is stored.</summary>
    /// <exception cref="ReadStreamException">It was rebuilt or dropped.</exception>
    /// <exception cref="PositionAheadException">It links more than the store holds.</exception>
    public async ValueTask<Links> FillToHeadAsync(CancellationToken cancellationToken)
    {
        var head = await reads.Pages.FindHeadAsync(cancellationToken).ConfigureAwait(false);
        var links = await FillAsync(head, cancellationToken).ConfigureAwait(false);
        if (links.FilledTo <= head.Value) return links;

        // Another process may have filled it up to a newer head.
        head = await reads.Pages.FindHeadAsync(cancellationToken).ConfigureAwait(false);
        return links.FilledTo <= head.Value ? links : throw new PositionAheadException(Name, new Checkpoint(links.FilledTo), head);
    }

    /// <summary>Reads links by their revisions, both included, with the events that still exist.</summary>
    public async IAsyncEnumerable<LinkedEvent> ReadAsync(
        Links links, long from, long to, ReadDirection direction, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (low, high) = (Math.Max(1, from), Math.Min(to, links.Count));
        while (low <= high)
        {
            // A slice never reaches over the end of a part.
            var count = (int)Math.Min(MaxSlice, high - low + 1);
            var first = direction == ReadDirection.Forward ? low : high - count + 1;
            var checkpoints = await SliceAsync(links, first, count, direction, cancellationToken).ConfigureAwait(false);
            if (direction == ReadDirection.Backward) first = high - checkpoints.Count + 1;
            var events = await ResolveAsync(checkpoints, cancellationToken).ConfigureAwait(false);
            for (var i = 0; i < checkpoints.Count; i++)
            {
                var at = direction == ReadDirection.Forward ? i : checkpoints.Count - 1 - i;
                if (events.TryGetValue(checkpoints[at], out var found)) yield return new LinkedEvent(new Revision(first + at), found);
            }

            if (direction == ReadDirection.Forward) low += checkpoints.Count;
            else high -= checkpoints.Count;
        }
    }

    /// <summary>The checkpoint of a link.</summary>
    public async ValueTask<Checkpoint> CheckpointOfAsync(Links links, long revision, CancellationToken cancellationToken) =>
        new((await SliceAsync(links, revision, 1, ReadDirection.Forward, cancellationToken).ConfigureAwait(false))[0]);

    /// <summary>The revision of the last link at or before a checkpoint; 0 for none.</summary>
    public async ValueTask<long> RevisionAtAsync(Links links, long checkpoint, CancellationToken cancellationToken)
    {
        long low = 0, high = links.Count;
        while (low < high)
        {
            var middle = low + ((high - low + 1) / 2);
            if ((await SliceAsync(links, middle, 1, ReadDirection.Forward, cancellationToken).ConfigureAwait(false))[0] <= checkpoint)
                low = middle;
            else high = middle - 1;
        }

        return low;
    }

    private async ValueTask<Links> FillAsync(Checkpoint upTo, CancellationToken cancellationToken)
    {
        while (true)
        {
            var links = await store.LoadAsync(cancellationToken).ConfigureAwait(false);
            if (links.Version == 0 && !await generation.IsCurrentAsync(cancellationToken).ConfigureAwait(false)) throw Replaced();
            if (links.FilledTo >= upTo.Value) return links;
            if (await TryFillAsync(links, upTo, cancellationToken).ConfigureAwait(false) is { } filled) return filled;
        }
    }

    // Returns null if another process wrote meanwhile.
    private async ValueTask<Links?> TryFillAsync(Links links, Checkpoint upTo, CancellationToken cancellationToken)
    {
        var open = new List<long>(links.Open);
        var pages = 0;
        var read = reads.Pages.ReadAllAsync(condition.Narrowed, new Checkpoint(links.FilledTo), upTo, cancellationToken);
        await foreach (var page in read.ConfigureAwait(false))
        {
            for (var i = 0; i < page.Events.Length; i++)
            {
                var recorded = page.Events.Span[i];
                if (!reads.Holds(condition, recorded)) continue;
                open.Add(recorded.Checkpoint.Value);
                if (open.Count < LinkStore.LinksPerPart || store.IsReadOnly) continue;

                var full = links with { Open = open, FilledTo = recorded.Checkpoint.Value };
                if (await store.SealAsync(full, cancellationToken).ConfigureAwait(false) is not { } next) return null;
                if (await store.TrySaveAsync(next, cancellationToken).ConfigureAwait(false) is not { } saved) return null;
                if (saved.FilledTo != full.FilledTo) return null;
                links = saved;
                open.Clear();
            }

            links = links with { Open = [.. open], FilledTo = page.Position.Value };
            if (store.IsReadOnly || ++pages % PagesPerSave != 0) continue;
            if (await store.TrySaveAsync(links, cancellationToken).ConfigureAwait(false) is not { } written) return null;
            links = written;
        }

        links = links with { FilledTo = upTo.Value };
        return store.IsReadOnly ? links : await store.TrySaveAsync(links, cancellationToken).ConfigureAwait(false);
    }

    // A number of links from a revision on, or fewer where a part ends: then those nearest to the start of the read.
    private async ValueTask<IReadOnlyList<long>> SliceAsync(
        Links links, long first, int count, ReadDirection direction, CancellationToken cancellationToken)
    {
        var (firstPart, lastPart) = ((first - 1) / LinkStore.LinksPerPart, (first + count - 2) / LinkStore.LinksPerPart);
        if (links.Parts <= firstPart) (firstPart, lastPart) = (links.Parts, links.Parts);
        var wanted = direction == ReadDirection.Forward ? firstPart : Math.Min(lastPart, links.Parts);
        var begins = wanted * LinkStore.LinksPerPart;
        IReadOnlyList<long> all;
        if (wanted >= links.Parts) all = links.Open;
        else
        {
            var known = part;
            if (known.Number != wanted) part = known = (wanted, await LoadPartAsync(wanted, cancellationToken).ConfigureAwait(false));
            all = known.Links;
        }

        var from = Math.Max(first - 1, begins);
        var until = Math.Min(first - 1 + count, begins + all.Count);
        return [.. all.Skip((int)(from - begins)).Take((int)(until - from))];
    }

    private async ValueTask<IReadOnlyList<long>> LoadPartAsync(long number, CancellationToken cancellationToken)
    {
        if (await store.LoadPartAsync(number, cancellationToken).ConfigureAwait(false) is { } links) return links;
        throw await generation.IsCurrentAsync(cancellationToken).ConfigureAwait(false) ? store.Missing(number) : Replaced();
    }

    private ReadStreamException Replaced() => new(generation.Name, "was rebuilt or dropped while it was read.", "Read it again.");

    // The events of ascending checkpoints that still exist and are not hidden.
    private async ValueTask<Dictionary<long, CommittedEvent>> ResolveAsync(
        IReadOnlyList<long> checkpoints, CancellationToken cancellationToken)
    {
        var wanted = checkpoints.ToHashSet();
        var found = new Dictionary<long, CommittedEvent>(checkpoints.Count);
        for (var at = 0; at < checkpoints.Count;)
        {
            var last = at;
            while (last + 1 < checkpoints.Count && checkpoints[last + 1] - checkpoints[last] <= MaxGap) last++;
            var (after, upTo) = (new Checkpoint(checkpoints[at] - 1), new Checkpoint(checkpoints[last]));
            await foreach (var page in reads.Pages.ReadAllAsync(condition.Narrowed, after, upTo, cancellationToken).ConfigureAwait(false))
            {
                for (var i = 0; i < page.Events.Length; i++)
                {
                    var recorded = page.Events.Span[i];
                    if (!wanted.Contains(recorded.Checkpoint.Value) || !reads.Holds(condition, recorded)) continue;
                    if (reads.Show(recorded, EventDecoding.OnDemand) is { } shown) found[recorded.Checkpoint.Value] = shown;
                }
            }

            at = last + 1;
        }

        return found;
    }
}
