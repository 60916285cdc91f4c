namespace EventStore.Conformance.Tests.Engines;

/// <summary>Reports a full page of a stream as its end, so that a reader gets a short range (G15).</summary>
[CaughtBy(
    typeof(ReadingSpecification<>),
    nameof(ReadingSpecification<>.Any_range_of_a_stream_is_whole_and_in_order_in_both_directions_for_any_page_size))]
internal sealed class EndsStreamsEarly(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default) =>
        await Inner.ReadStreamAsync(read, cancellationToken) with { IsEnd = true };
}

/// <summary>Reports a full page of the store as its end (G15).</summary>
[CaughtBy(
    typeof(ReadingSpecification<>),
    nameof(ReadingSpecification<>.Any_range_of_the_store_is_whole_and_in_order_in_both_directions_for_any_page_size))]
internal sealed class EndsTheStoreEarly(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default) =>
        await Inner.ReadAllAsync(read, cancellationToken) with { IsEnd = true };
}

/// <summary>Returns what it has when a read is cancelled, as if that were all (G15).</summary>
[CaughtBy(typeof(ReadingSpecification<>), nameof(ReadingSpecification<>.Cancelled_reads_throw_and_return_nothing))]
internal sealed class ShortensCancelledReads(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default) =>
        cancellationToken.IsCancellationRequested
        ? new StreamPage(default, default, IsEnd: true)
        : await Inner.ReadStreamAsync(read, cancellationToken);
}

/// <summary>Leaves the last revision of a range out, as an exclusive upper bound does (G16).</summary>
[CaughtBy(
    typeof(ReadingSpecification<>),
    nameof(ReadingSpecification<>.Any_range_of_a_stream_is_whole_and_in_order_in_both_directions_for_any_page_size))]
internal sealed class LeavesTheUpperBoundOut(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default) =>
        Inner.ReadStreamAsync(read with { To = new Revision(Math.Max(0, read.To.Value - 1)) }, cancellationToken);
}

/// <summary>Reads a backward page from the lower end and reverses it (G16).</summary>
[CaughtBy(
    typeof(ReadingSpecification<>),
    nameof(ReadingSpecification<>.Any_range_of_a_stream_is_whole_and_in_order_in_both_directions_for_any_page_size))]
internal sealed class TurnsForwardPagesRound(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default)
    {
        var page = await Inner.ReadStreamAsync(read with { Direction = ReadDirection.Forward }, cancellationToken);
        return read.Direction == ReadDirection.Forward ? page : page with { Events = page.Events.ToArray().Reverse().ToArray() };
    }
}

/// <summary>Reads whole commits where a range begins or ends inside one (G16).</summary>
[CaughtBy(
    typeof(ReadingSpecification<>),
    nameof(ReadingSpecification<>.Any_range_of_a_stream_is_whole_and_in_order_in_both_directions_for_any_page_size))]
internal sealed class ReadsWholeCommits(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default)
    {
        var page = await Inner.ReadStreamAsync(read, cancellationToken);
        if (page.Events.Length == 0 || read.Direction == ReadDirection.Backward) return page;
        return await Inner.ReadStreamAsync(read with { From = page.Events.Span[0].Commit.FirstRevision }, cancellationToken);
    }
}

/// <summary>Limits a page to a number of events, but not to bytes (G18).</summary>
[CaughtBy(typeof(ReadingSpecification<>), nameof(ReadingSpecification<>.Pages_are_bounded_in_bytes_and_hold_at_least_one_event))]
internal sealed class IgnoresTheSizeOfPages(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default) =>
        Inner.ReadStreamAsync(read with { Limit = read.Limit with { MaxBytes = long.MaxValue } }, cancellationToken);
}

/// <summary>Returns the page's last revision as the stream's head, so that a read bounded by it is short (G17).</summary>
[CaughtBy(typeof(ReadingSpecification<>), nameof(ReadingSpecification<>.Pages_contain_the_head_so_that_a_read_can_be_bounded_by_it))]
internal sealed class TakesThePageForTheStream(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default)
    {
        var page = await Inner.ReadStreamAsync(read, cancellationToken);
        return page.Events.Length == 0 ? page : page with { State = page.State with { Revision = page.Events.Span[^1].Revision } };
    }
}

/// <summary>Returns the newest remaining event as the head of the store, which moves back when its stream is deleted (G13, G17).</summary>
[CaughtBy(typeof(ReadingSpecification<>), nameof(ReadingSpecification<>.Pages_contain_the_head_so_that_a_read_can_be_bounded_by_it))]
internal sealed class MovesTheHeadBack(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default)
    {
        var last = await Inner.ReadAllAsync(
            new StoreRead(EventFilter.Everything, new Checkpoint(0), Checkpoint.Max, ReadDirection.Backward, new PageLimit(1, 1)),
            cancellationToken);
        var head = last.Events.Length == 0 ? Checkpoint.Origin : last.Events.Span[0].Checkpoint;
        return await Inner.ReadAllAsync(read, cancellationToken) with { Head = head };
    }
}

/// <summary>Returns a head at revision 0 where there is no stream (G16).</summary>
[CaughtBy(typeof(ReadingSpecification<>), nameof(ReadingSpecification<>.A_stream_that_does_not_exist_reads_as_empty))]
internal sealed class InventsHeads(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<StreamHead?> FindHeadAsync(StreamId stream, CancellationToken cancellationToken = default) =>
        await Inner.FindHeadAsync(stream, cancellationToken)
            ?? new StreamHead(stream, new Revision(0), new CommitSequence(0), new Revision(0));
}

/// <summary>
/// Skips the newest event when a page reaches the end, like a position that was assigned before it was visible: a later reader never gets
/// it (G14, G32).
/// </summary>
[CaughtBy(typeof(ConsumerSpecification<>), nameof(ConsumerSpecification<>.A_restarted_consumer_continues_after_the_events_it_handled))]
[CaughtBy(
    typeof(ConsumerDeliverySpecification<>),
    nameof(ConsumerDeliverySpecification<>.Failed_events_are_retried_parked_or_skipped_as_configured_without_effect_on_other_consumers))]
[CaughtBy(typeof(ReadStreamSpecification<>), nameof(ReadStreamSpecification<>.After_a_commit_returned_every_reader_reads_it))]
[CaughtBy(
    typeof(OutageSpecification<>), nameof(OutageSpecification<>.A_consumer_that_ended_without_releasing_its_name_is_replaced_at_once))]
internal sealed class PassesOverTheNewest(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default)
    {
        var page = await Inner.ReadAllAsync(read, cancellationToken);
        return page.IsEnd && read.Direction == ReadDirection.Forward && !page.Events.IsEmpty
            ? page with { Events = page.Events[..^1] }
            : page;
    }
}
