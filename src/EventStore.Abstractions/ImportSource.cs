using System.Runtime.CompilerServices;

namespace EventStore.Engines;

/// <summary>Reads what an import takes from the engine of another store. Memory is bounded by the largest unit.</summary>
public static class ImportSource
{
    private const int PageHeads = 500;
    private static readonly PageLimit FullPage = new(512, 4 << 20);

    /// <summary>
    /// Reads the commits after a checkpoint in order, up to the head. The commits of a unit come together where all of them still exist.
    /// </summary>
    /// <param name="source">The engine to read.</param>
    /// <param name="after">The position of the import.</param>
    /// <param name="cancellationToken">Ends the read by throwing.</param>
    public static async IAsyncEnumerable<IReadOnlyList<ImportCommit>> ReadAsync(
        IPersistenceEngine source, Checkpoint after = default, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        var unit = new List<List<RecordedEvent>>();
        while (true)
        {
            var read = new StoreRead(EventFilter.Everything, after, Checkpoint.Max, ReadDirection.Forward, FullPage);
            var page = await source.ReadAllAsync(read, cancellationToken).ConfigureAwait(false);
            for (var i = 0; i < page.Events.Length; i++)
            {
                var recorded = page.Events.Span[i];
                if (unit.Count > 0 && unit[^1][^1].Commit.FirstCheckpoint == recorded.Commit.FirstCheckpoint)
                {
                    unit[^1].Add(recorded);
                    continue;
                }

                if (unit.Count > 0 && unit[0][0].Commit.Unit != recorded.Commit.Unit)
                {
                    foreach (var complete in Take(unit)) yield return complete;
                }

                unit.Add([recorded]);
            }

            if (page.IsEnd) break;
            after = page.Position;
        }

        foreach (var complete in Take(unit)) yield return complete;
    }

    /// <summary>The newest checkpoint of a store, also where its event was removed. A mirror advances to it.</summary>
    public static async ValueTask<Checkpoint> FindHeadAsync(IPersistenceEngine source, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        var read = new StoreRead(
            EventFilter.Everything, Checkpoint.Origin, Checkpoint.Max, ReadDirection.Backward, new PageLimit(1, 1));
        return (await source.ReadAllAsync(read, cancellationToken).ConfigureAwait(false)).Head;
    }

    /// <summary>
    /// Finds the streams that a mirror must expect: those whose first commits were truncated as a whole. Reads one event of each truncated
    /// stream.
    /// </summary>
    public static async IAsyncEnumerable<TruncatedStream> FindTruncatedAsync(
        IPersistenceEngine source, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        StreamId? after = null;
        IReadOnlyList<StreamHead> heads;
        do
        {
            heads = await source.ListHeadsAsync(new HeadQuery(null, 0, after, PageHeads), cancellationToken).ConfigureAwait(false);
            foreach (var head in heads.Where(head => head.FirstRevision.Value > 1))
            {
                var read = new StreamRead(
                    head.Stream, head.FirstRevision, head.FirstRevision, ReadDirection.Forward, new PageLimit(1, 1));
                var page = await source.ReadStreamAsync(read, cancellationToken).ConfigureAwait(false);
                if (page.Events.IsEmpty)
                {
                    yield return new TruncatedStream(
                        head.Stream, head.Incarnation, head.Revision.Value, head.CommitSequence.Value, Checkpoint.Max);
                    continue;
                }

                var next = page.Events.Span[0].Commit;
                if (next.FirstRevision.Value == 1) continue; // its first commit shows by itself what it misses
                yield return new TruncatedStream(
                    head.Stream, head.Incarnation, next.FirstRevision.Value - 1, next.Sequence.Value - 1, next.FirstCheckpoint);
            }

            if (heads.Count > 0) after = heads[^1].Stream;
        }
        while (heads.Count == PageHeads);
    }

    // A commit of which the end is missing was deleted while it was read.
    private static List<IReadOnlyList<ImportCommit>> Take(List<List<RecordedEvent>> unit)
    {
        if (unit.Count == 0) return [];
        List<ImportCommit> commits =
            [.. unit.Where(events => events[^1].IndexInCommit == events[^1].Commit.EventCount - 1).Select(ImportCommit.Of)];
        var size = unit[0][0].Commit.Unit.Size;
        unit.Clear();
        return commits.Count == size ? [commits] : [.. commits.Select(commit => (IReadOnlyList<ImportCommit>)[commit])];
    }
}
