namespace EventStore.Conformance.Tests.Engines;

/// <summary>Reads from the beginning whatever instant is asked (G19).</summary>
[CaughtBy(typeof(FilterSpecification<>), nameof(FilterSpecification<>.Every_combination_of_conditions_answers_what_the_definition_says))]
internal sealed class IgnoresSince(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default) =>
        Inner.ReadAllAsync(read with { Filter = read.Filter with { Since = null } }, cancellationToken);
}

/// <summary>Takes the empty category for no condition, as a test for an empty text does (G19).</summary>
[CaughtBy(typeof(FilterSpecification<>), nameof(FilterSpecification<>.Every_combination_of_conditions_answers_what_the_definition_says))]
internal sealed class TakesNoCategoryForAny(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default) =>
        Inner.ReadAllAsync(read with { Filter = read.Filter with { Category = read.Filter.Category is "" ? null : read.Filter.Category } }, cancellationToken);
}

/// <summary>Answers all categories whichever is asked (G19).</summary>
[CaughtBy(typeof(FilterSpecification<>), nameof(FilterSpecification<>.Every_combination_of_conditions_answers_what_the_definition_says))]
[CaughtBy(typeof(StreamSpecification<>), nameof(StreamSpecification<>.The_last_event_of_any_query_is_found))]
[CaughtBy(typeof(DispatchSpecification<>), nameof(DispatchSpecification<>.Undispatched_events_are_listed_by_filter_and_marks_are_idempotent_and_survive_a_restart))]
internal sealed class IgnoresCategories(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default) =>
        Inner.ReadAllAsync(read with { Filter = read.Filter with { Category = null } }, cancellationToken);
}

/// <summary>Takes a set of no types for no condition, as an empty IN list left out does (G19).</summary>
[CaughtBy(typeof(FilterSpecification<>), nameof(FilterSpecification<>.Every_combination_of_conditions_answers_what_the_definition_says))]
internal sealed class TakesNoTypesForAny(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default) =>
        Inner.ReadAllAsync(read with { Filter = read.Filter with { EventTypes = read.Filter.EventTypes is { Count: 0 } ? null : read.Filter.EventTypes } }, cancellationToken);
}

/// <summary>Leaves out what was stamped at the very instant asked (G19).</summary>
[CaughtBy(typeof(FilterSpecification<>), nameof(FilterSpecification<>.Since_includes_an_equal_stamp_and_compares_to_the_microsecond))]
internal sealed class LeavesTheInstantOut(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default) =>
        Inner.ReadAllAsync(read with { Filter = read.Filter with { Since = read.Filter.Since?.AddTicks(1) } }, cancellationToken);
}

/// <summary>Compares the digits of an instant without its offset, as columns of local time do (G19).</summary>
[CaughtBy(typeof(FilterSpecification<>), nameof(FilterSpecification<>.Since_includes_an_equal_stamp_and_compares_to_the_microsecond))]
internal sealed class IgnoresOffsets(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default) =>
        Inner.ReadAllAsync(read with { Filter = read.Filter with { Since = read.Filter.Since is { } since ? new DateTimeOffset(since.Ticks, TimeSpan.Zero) : null } }, cancellationToken);
}

/// <summary>Calls a page without matches the end, so that a rare event is never found (G19).</summary>
[CaughtBy(typeof(FilterSpecification<>), nameof(FilterSpecification<>.A_filter_that_matches_nothing_for_long_still_moves_on_and_finds_what_comes_last))]
internal sealed class StopsWhereNothingMatches(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default)
    {
        var page = await Inner.ReadAllAsync(read, cancellationToken);
        return page with { IsEnd = page.IsEnd || page.Events.Length == 0 };
    }
}

/// <summary>Moves on only to the last match, so that a consumer whose filter matches nothing reads the same again for ever (G19).</summary>
[CaughtBy(typeof(FilterSpecification<>), nameof(FilterSpecification<>.The_position_of_a_page_covers_what_was_looked_at_even_where_nothing_matches))]
internal sealed class MovesOnlyToMatches(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default)
    {
        var page = await Inner.ReadAllAsync(read, cancellationToken);
        return page with { Position = page.Events.Length == 0 ? read.After : page.Events.Span[^1].Checkpoint };
    }
}
