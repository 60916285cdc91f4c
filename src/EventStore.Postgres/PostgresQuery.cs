using System.Text;
using Npgsql;

namespace EventStore.Postgres;

/// <summary>
/// One page of the whole store as a statement: its conditions, its values, and how far a page that came of it looked. A page with a filter
/// examines a window of checkpoints at most, so that it ends soon even where nothing matches.
/// </summary>
internal sealed class PostgresQuery
{
    private const int Window = 16_384;
    private readonly StoreRead read;
    private readonly List<NpgsqlParameter> values = [];
    private readonly bool isNarrow;
    private readonly bool isForward;

    public PostgresQuery(StoreRead read)
    {
        this.read = read;
        isForward = read.Direction == ReadDirection.Forward;
        var filter = read.Filter;
        isNarrow = IsNarrow(filter);
        values.AddRange([PostgresSql.Value(isForward ? read.After.Value : WindowBegin), PostgresSql.Value(isForward ? WindowEnd
            : read.UpTo.Value), PostgresSql.Value((long)read.Limit.MaxEvents), PostgresSql.Value(PostgresEventRows.ShareOf(read.Limit))]);
        Conditions = Write(filter);
    }

    /// <summary>The conditions of the filter, and the direction. The same for all reads that need the same statement.</summary>
    public string Conditions { get; }

    private long WindowBegin => isNarrow ? Math.Max(read.After.Value, read.UpTo.Value - Window) : read.After.Value;

    private long WindowEnd => isNarrow && read.After.Value < long.MaxValue - Window ? Math.Min(read.UpTo.Value, read.After.Value + Window)
        : read.UpTo.Value;

    /// <summary>Whether a read has to know the head before it: a window backward begins there, unless it is asked to begin below.</summary>
    public static bool EndsAtHead(StoreRead read) => read.Direction == ReadDirection.Backward && IsNarrow(read.Filter);

    public string Load(PostgresSql sql) => sql.Load("read-all", ("order", isForward ? "ASC" : "DESC"), ("filter", Conditions[1..]));

    public void AddTo(NpgsqlParameterCollection parameters)
    {
        foreach (var value in values) parameters.Add(value);
    }

    /// <summary>The page with how far it looked, and the head that was read with it.</summary>
    public StorePage ToPage(PostgresEventRows rows, long head)
    {
        var (page, cutAt) = rows.ToPage();
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

    private static bool IsNarrow(EventFilter filter) =>
        filter.Bucket is not null || filter.Category is not null || filter.Id is not null || filter.EventTypes is not null
            || filter.Since is not null;

    // The stream of an event is looked up by its key, event by event: what that costs depends on the window, not on how many streams match.
    private string Write(EventFilter filter)
    {
        var text = new StringBuilder(isForward ? ">" : "<");
        if (filter.EventTypes is { } types) text.Append($" AND y.type = ANY({Add(types.ToArray())})");
        if (filter.Since is { } since) text.Append($" AND y.stamp >= {Add(UpToMicrosecond(since))}");
        if (filter.Bucket is null && filter.Category is null && filter.Id is null) return text.ToString();
        text.Append(" AND EXISTS (SELECT FROM {schema}.streams n WHERE n.stream = y.stream");
        if (filter.Bucket is { } bucket) text.Append($" AND n.bucket = {Add(bucket)}");
        if (filter.Category is { } category) text.Append($" AND n.category = {Add(category)}");
        if (filter.Id is { } id) text.Append($" AND n.id = {Add(id)}");
        return text.Append(" OFFSET 0)").ToString();
    }

    private string Add<T>(T value)
    {
        values.Add(PostgresSql.Value(value));
        return $"${values.Count}";
    }

    // Stamps are whole microseconds: an instant between two of them means the later one.
    private static DateTime UpToMicrosecond(DateTimeOffset instant)
    {
        var rest = instant.UtcTicks % TimeSpan.TicksPerMicrosecond;
        return rest == 0 || DateTimeOffset.MaxValue.UtcTicks - instant.UtcTicks < TimeSpan.TicksPerMicrosecond ? instant.UtcDateTime
            : instant.UtcDateTime.AddTicks(TimeSpan.TicksPerMicrosecond - rest);
    }
}
