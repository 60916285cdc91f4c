using EventStore.Pipeline;

namespace EventStore.Streams;

/// <summary>Reads the events of a query page by page, or only the last one.</summary>
/// <param name="reads">Reads the events.</param>
/// <param name="key">Signs continuation tokens; empty for none.</param>
internal sealed class StoreQueries(ReadPath reads, ReadOnlyMemory<byte> key)
{
    /// <summary>The next page of a query, with a token for the page after it.</summary>
    public async ValueTask<EventPage> ReadPageAsync(EventQuery query, int size, string? continuation, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        var forward = query.Direction == ReadDirection.Forward;
        ContinuationToken? start = continuation is null ? null : ContinuationToken.Read(continuation, query, key.Span);
        var after = forward ? start?.Position ?? query.After : query.After;
        var upTo = forward ? start?.Bound ?? query.UpTo : start?.Position ?? query.UpTo;
        var limit = PageReader.FullPage with { MaxEvents = Math.Min(size, PageReader.MaxPageEvents - 1) + 1 };

        var events = new List<CommittedEvent>();
        var pages = reads.ReadPagesAsync(query, after, upTo, limit, cancellationToken);
        await foreach (var page in pages.ConfigureAwait(false))
        {
            if (start is { Bound: var seen } && seen > page.Head) throw new PositionAheadException("continuation token", seen, page.Head);
            var bound = start?.Bound ?? new Checkpoint(Math.Min(query.UpTo.Value, page.Head.Value));
            for (var i = 0; i < page.Events.Length; i++)
            {
                // A further event that is shown proves that there is a next page, which begins with it.
                var recorded = page.Events.Span[i];
                if (!reads.Holds(query.Condition, recorded)) continue;
                if (reads.Show(recorded, events.Count < size ? EventDecoding.Eager : EventDecoding.OnDemand) is not { } shown) continue;
                if (events.Count == size)
                {
                    var position = forward ? new Checkpoint(recorded.Checkpoint.Value - 1) : recorded.Checkpoint;
                    return new EventPage(events, new ContinuationToken(position, bound).Write(query, key.Span));
                }

                events.Add(shown);
            }
        }

        return new EventPage(events, Continuation: null);
    }

    /// <summary>The events after a checkpoint that match criteria, and up to where they were read.</summary>
    public async ValueTask<EventSelection> SelectAsync(EventCriteria criteria, Checkpoint after, CancellationToken cancellationToken)
    {
        _ = new AppendCondition(criteria, after);
        List<CommittedEvent> events = [];
        var upTo = after;
        var pages = reads.ReadPagesAsync(
            new EventQuery { Criteria = criteria }, after, Checkpoint.Max, PageReader.FullPage, cancellationToken);
        await foreach (var page in pages.ConfigureAwait(false))
        {
            if (after > page.Head) throw new PositionAheadException("selection", after, page.Head);
            for (var i = 0; i < page.Events.Length; i++)
            {
                if (reads.Show(page.Events.Span[i], EventDecoding.Eager) is { } shown) events.Add(shown);
            }

            upTo = page.Position;
        }

        return new EventSelection(criteria, events, upTo);
    }

    /// <summary>The commit of an id, as a duplicate; null for none.</summary>
    public async ValueTask<CommitResult?> FindCommitAsync(StreamId stream, Guid commitId, CancellationToken cancellationToken) =>
        await reads.Pages.FindCommitAsync(stream, commitId, cancellationToken).ConfigureAwait(false) is { } stored
            ? Committer.ResultOf(stored, isDuplicate: true)
            : null;

    /// <summary>The unit of an id, as a duplicate; null for none.</summary>
    public async ValueTask<UnitResult?> FindUnitAsync(
        Guid commitId, IReadOnlyCollection<StreamId> streams, CancellationToken cancellationToken)
    {
        var stored = new List<CommitRecord>(streams.Count);
        foreach (var stream in streams)
        {
            if (await reads.Pages.FindCommitAsync(stream, commitId, cancellationToken).ConfigureAwait(false) is { } commit)
                stored.Add(commit);
        }

        if (stored.Count == 0) return null;
        if (stored.Any(commit => commit.Unit != stored[0].Unit) || stored[0].Unit.Size != stored.Count)
            throw new CommitIdReusedException(stored[0].Stream, commitId, stored[0].FirstRevision);
        return new UnitResult(commitId, [.. stored.Select(commit => Committer.ResultOf(commit, isDuplicate: true))], IsDuplicate: true);
    }

    /// <summary>The newest event of a query; null for none.</summary>
    public async ValueTask<CommittedEvent?> FindLastAsync(EventQuery query, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        var limit = query.Condition is null ? PageReader.FullPage with { MaxEvents = 1 } : PageReader.FullPage;
        var pages = reads.ReadPagesAsync(
            query with { Direction = ReadDirection.Backward }, query.After, query.UpTo, limit, cancellationToken);
        await foreach (var page in pages.ConfigureAwait(false))
        {
            for (var i = 0; i < page.Events.Length; i++)
            {
                if (!reads.Holds(query.Condition, page.Events.Span[i])) continue;
                if (reads.Show(page.Events.Span[i], EventDecoding.Eager) is { } last) return last;
            }
        }

        return null;
    }
}
