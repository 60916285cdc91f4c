namespace EventStore.Conformance.Tests.Engines;

/// <summary>Ignores the instant of a filter (G19).</summary>
[CaughtBy(typeof(FilterSpecification<>), nameof(FilterSpecification<>.Every_combination_of_conditions_matches_its_definition))]
internal sealed class IgnoresSince(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default) =>
        Inner.ReadAllAsync(read with { Filter = read.Filter with { Since = null } }, cancellationToken);
}

/// <summary>Treats the empty category as no condition, as a test for an empty text does (G19).</summary>
[CaughtBy(typeof(FilterSpecification<>), nameof(FilterSpecification<>.Every_combination_of_conditions_matches_its_definition))]
internal sealed class TakesNoCategoryForAny(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default) =>
        Inner.ReadAllAsync(
            read with { Filter = read.Filter with { Category = read.Filter.Category is "" ? null : read.Filter.Category } },
            cancellationToken);
}

/// <summary>Returns all categories for any filter (G19).</summary>
[CaughtBy(typeof(FilterSpecification<>), nameof(FilterSpecification<>.Every_combination_of_conditions_matches_its_definition))]
[CaughtBy(typeof(StreamSpecification<>), nameof(StreamSpecification<>.The_last_event_of_any_query_is_found))]
[CaughtBy(
    typeof(DispatchSpecification<>),
    nameof(DispatchSpecification<>.Undispatched_events_are_listed_by_filter_and_marks_are_idempotent_and_survive_a_restart))]
internal sealed class IgnoresCategories(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default) =>
        Inner.ReadAllAsync(read with { Filter = read.Filter with { Category = null } }, cancellationToken);
}

/// <summary>Treats an empty set of types as no condition, like an omitted IN list (G19).</summary>
[CaughtBy(typeof(FilterSpecification<>), nameof(FilterSpecification<>.Every_combination_of_conditions_matches_its_definition))]
internal sealed class TakesNoTypesForAny(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default) =>
        Inner.ReadAllAsync(
            read with { Filter = read.Filter with { EventTypes = read.Filter.EventTypes is { Count: 0 } ? null : read.Filter.EventTypes } },
            cancellationToken);
}

/// <summary>Omits events stamped exactly at the instant (G19).</summary>
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
        Inner.ReadAllAsync(
            read with { Filter = read.Filter with { Since = WithoutOffset(read.Filter.Since) } },
            cancellationToken);

    private static DateTimeOffset? WithoutOffset(DateTimeOffset? instant) =>
        instant is { } given ? new DateTimeOffset(given.Ticks, TimeSpan.Zero) : null;
}

/// <summary>Reports a page without matches as the end, so that a rare event is never found (G19).</summary>
[CaughtBy(
    typeof(FilterSpecification<>),
    nameof(FilterSpecification<>.A_filter_that_matches_nothing_for_long_still_advances_and_finds_the_last_event))]
internal sealed class StopsWhereNothingMatches(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default)
    {
        var page = await Inner.ReadAllAsync(read, cancellationToken);
        return page with { IsEnd = page.IsEnd || page.Events.Length == 0 };
    }
}

/// <summary>Advances only to the last match, so that a consumer whose filter matches nothing reads the same page again (G19).</summary>
[CaughtBy(
    typeof(FilterSpecification<>),
    nameof(FilterSpecification<>.The_position_of_a_page_covers_what_was_examined_even_where_nothing_matches))]
internal sealed class MovesOnlyToMatches(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default)
    {
        var page = await Inner.ReadAllAsync(read, cancellationToken);
        return page with { Position = page.Events.Length == 0 ? read.After : page.Events.Span[^1].Checkpoint };
    }
}
