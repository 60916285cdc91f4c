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
