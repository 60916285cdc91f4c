using System.Text;
using Npgsql;

namespace EventStore.Postgres;

/// <summary>
/// One page of the whole store as a statement: its conditions, its values, and how far a page that came of it looked. Where indexes of
/// categories and tags narrow the filter, a page examines so many events as they list. With another filter it examines a window of
/// checkpoints at most, so that it ends soon even where nothing matches.
/// </summary>
internal sealed class PostgresQuery
{
    private const int Window = 16_384;
    private const int MinListed = 256;
    private readonly StoreRead read;
    private readonly List<NpgsqlParameter> values = [];
    private readonly PostgresList[] lists;
    private readonly bool isNarrow;
    private readonly bool isForward;

    public PostgresQuery(StoreRead read)
    {
        this.read = read;
        isForward = read.Direction == ReadDirection.Forward;
        var filter = read.Filter;
        var indexed = IndexedTerms(filter);
        isNarrow = indexed is null && IsNarrow(filter);
        MaxListed = indexed is null || ListsMatch(filter) ? read.Limit.MaxEvents : Math.Max(read.Limit.MaxEvents, MinListed);
        values.AddRange([PostgresSql.Value(isForward ? read.After.Value : WindowBegin), PostgresSql.Value(isForward ? WindowEnd
            : read.UpTo.Value), PostgresSql.Value((long)MaxListed), PostgresSql.Value(PostgresEventRows.ShareOf(read.Limit))]);
        var criteria = new PostgresCriteria(values);
        Conditions = Write(filter, criteria);
        lists = indexed is null ? [] : criteria.ListsOf(indexed);
        Key = lists.Length == 0 ? Conditions : Conditions + string.Concat(lists);
    }

    /// <summary>The same for all reads that need the same statement.</summary>
    public string Key { get; }

    /// <summary>Whether the events are found by their category or tags.</summary>
    public bool IsListed => lists.Length > 0;

    /// <summary>How many events the lists return at most.</summary>
    public int MaxListed { get; }

    /// <summary>The conditions of the filter, and the direction.</summary>
    private string Conditions { get; }

    private long WindowBegin => isNarrow ? Math.Max(read.After.Value, read.UpTo.Value - Window) : read.After.Value;

    private long WindowEnd => isNarrow && read.After.Value < long.MaxValue - Window ? Math.Min(read.UpTo.Value, read.After.Value + Window)
        : read.UpTo.Value;

    /// <summary>Whether a read has to know the head before it: a window backward begins there, unless it is asked to begin below.</summary>
    public static bool EndsAtHead(StoreRead read) =>
        read.Direction == ReadDirection.Backward && IndexedTerms(read.Filter) is null && IsNarrow(read.Filter);

    public string Load(PostgresSql sql)
    {
        var order = isForward ? "ASC" : "DESC";
        if (!IsListed) return sql.Load("read-all", ("order", order), ("filter", Conditions[1..]));
        var listed = lists.Select(list => list.Load(sql, isForward, PostgresList.SearchesOfPage)).ToList();
        var union = listed.Count == 1 ? listed[0]
            : sql.Load("list-union", ("lists", "(" + string.Join(") UNION ALL (", listed) + ")"), ("order", order));
        return sql.Load("read-selected", ("listed", union), ("order", order), ("filter", Conditions[1..]));
    }

    public void AddTo(NpgsqlParameterCollection parameters)
    {
        foreach (var value in values) parameters.Add(value);
    }

    /// <summary>The page with how far it looked, and the head that was read with it.</summary>
    public StorePage ToPage(PostgresEventRows rows, long head)
    {
        var (page, cutAt) = rows.ToPage();
        if (IsListed) cutAt = page.IsFull ? cutAt : rows.ListedUpTo(MaxListed);
        var (after, upTo) = (read.After.Value, Math.Min(read.UpTo.Value, head));
        if (isForward)
        {
            var reached = cutAt ?? Math.Max(after, Math.Min(WindowEnd, upTo));
            return new StorePage(page.Events, new Checkpoint(reached), new Checkpoint(head), IsEnd: reached >= upTo);
        }

        if (upTo <= after) return new StorePage(default, read.UpTo, new Checkpoint(head), IsEnd: true);
        var lowest = cutAt ?? WindowBegin + 1;
        return new StorePage(page.Events, new Checkpoint(lowest), new Checkpoint(head), IsEnd: lowest <= after + 1);
    }

    // What indexes know of a filter; null where they do not narrow it.
    private static EventCriteria? IndexedTerms(EventFilter filter)
    {
        if (filter.Criteria is { } criteria && criteria.Any.All(criterion => criterion.IsIndexed)) return criteria;
        return filter is { Bucket: { } bucket, Category: { } category }
            ? new EventCriteria(new EventCriterion { Bucket = bucket, Category = category })
            : null;
    }

    // Whether what the indexes list is what matches.
    private static bool ListsMatch(EventFilter filter) => filter is { Id: null, EventTypes: null, Since: null }
        && (filter.Criteria is not { } criteria
            || (filter is { Bucket: null, Category: null } && criteria.Any.All(criterion => criterion is { Id: null, Types: null })));

    private static bool IsNarrow(EventFilter filter) =>
        filter.Bucket is not null || filter.Category is not null || filter.Id is not null || filter.EventTypes is not null
            || filter.Since is not null || filter.Criteria is not null;

    // The stream of an event is looked up by its key, event by event: what that costs depends on the window, not on how many streams match.
    private string Write(EventFilter filter, PostgresCriteria criteria)
    {
        var text = new StringBuilder(isForward ? ">" : "<");
        if (filter.EventTypes is { } types) text.Append($" AND y.type = ANY({criteria.Add(types.ToArray())})");
        if (filter.Since is { } since) text.Append($" AND y.stamp >= {criteria.Add(UpToMicrosecond(since))}");
        if (filter.Criteria is { } selected) text.Append(criteria.MatchOf(selected.Any));
        if (filter.Bucket is null && filter.Category is null && filter.Id is null) return text.ToString();
        text.Append(" AND EXISTS (SELECT FROM {schema}.streams n WHERE n.stream = y.stream");
        if (filter.Bucket is { } bucket) text.Append($" AND n.bucket = {criteria.Add(bucket)}");
        if (filter.Category is { } category) text.Append($" AND n.category = {criteria.Add(category)}");
        if (filter.Id is { } id) text.Append($" AND n.id = {criteria.Add(id)}");
        return text.Append(" OFFSET 0)").ToString();
    }

    // Stamps are whole microseconds: an instant between two of them means the later one.
    private static DateTime UpToMicrosecond(DateTimeOffset instant)
    {
        var rest = instant.UtcTicks % TimeSpan.TicksPerMicrosecond;
        return rest == 0 || DateTimeOffset.MaxValue.UtcTicks - instant.UtcTicks < TimeSpan.TicksPerMicrosecond ? instant.UtcDateTime
            : instant.UtcDateTime.AddTicks(TimeSpan.TicksPerMicrosecond - rest);
    }
}
