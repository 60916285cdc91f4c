using System.Globalization;
using System.Text;
using Npgsql;

namespace EventStore.Postgres;

/// <summary>A list of events that an index has for a criterion, in a statement.</summary>
/// <param name="File">The file of its statement.</param>
/// <param name="Parameter">The number of the parameter with its terms.</param>
/// <param name="Tags">How many of several terms are tags; the one after them is a category.</param>
internal readonly record struct PostgresList(string File, int Parameter, int Tags)
{
    /// <summary>After how many searches a list ends that several terms make, where a page has to end.</summary>
    public const int SearchesOfPage = 16_384;

    /// <summary>No such limit, for what is decided.</summary>
    public const int SearchesOfCondition = int.MaxValue;

    public string Load(PostgresSql sql, bool isForward, int searches) => sql.Load(
        File,
        ("term", Name),
        ("terms", Name),
        ("tags", Tags.ToString(CultureInfo.InvariantCulture)),
        ("order", isForward ? "ASC" : "DESC"),
        ("start", isForward ? "LEAST($1, 9223372036854775806) + 1" : "$2"),
        ("step", isForward ? "+" : "-"),
        ("beyond", isForward ? ">=" : "<="),
        ("within", isForward ? "<=" : ">"),
        ("end", isForward ? "$2" : "$1"),
        ("budget", searches.ToString(CultureInfo.InvariantCulture)));

    private string Name => string.Create(CultureInfo.InvariantCulture, $"${Parameter}");
}

/// <summary>Writes criteria as parts of a statement: the lists that indexes have for them, and what a row must be to match.</summary>
/// <param name="values">The parameters of the statement, to which theirs are added.</param>
internal sealed class PostgresCriteria(List<NpgsqlParameter> values)
{
    /// <summary>One list for each criterion, those that differ only in what no index knows together.</summary>
    public PostgresList[] ListsOf(EventCriteria criteria) =>
        [.. criteria.Any.Select(criterion => criterion with { Id = null, Types = null }).Distinct().Select(ListOf)];

    /// <summary>The list of one criterion, which names a category or a tag.</summary>
    public PostgresList ListOf(EventCriterion criterion)
    {
        long[] terms = [.. criterion.Tags.Select(tag => PostgresTerms.Of(criterion.Bucket, tag))];
        if (criterion.Category is not { } category)
            return terms.Length == 1 ? Add("list-tag", terms[0]) : Add("list-terms", terms, terms.Length);
        var term = PostgresTerms.Of(criterion.Bucket, category);
        return terms.Length == 0 ? Add("list-category", term) : Add<long[]>("list-terms", [.. terms, term], terms.Length);
    }

    /// <summary>The condition that one of the criteria matches, of a row y of events.</summary>
    public string MatchOf(params IReadOnlyList<EventCriterion> criteria)
    {
        var text = new StringBuilder(" AND EXISTS (SELECT FROM {schema}.streams n WHERE n.stream = y.stream AND (");
        for (var i = 0; i < criteria.Count; i++)
        {
            var criterion = criteria[i];
            text.Append(i == 0 ? "n.bucket = " : " OR n.bucket = ").Append(Add(criterion.Bucket));
            if (criterion.Category is { } category) text.Append(" AND n.category = ").Append(Add(category));
            if (criterion.Id is { } id) text.Append(" AND n.id = ").Append(Add(id));
            if (criterion.Types is { } types) text.Append(" AND y.type = ANY(").Append(Add(types.ToArray())).Append(')');
            if (criterion.Tags.Count > 0) text.Append(" AND y.tags @> ").Append(Add(criterion.Tags.ToArray()));
        }

        return text.Append(") OFFSET 0)").ToString();
    }

    /// <summary>Adds a value, and returns its name.</summary>
    public string Add<T>(T value)
    {
        values.Add(PostgresSql.Value(value));
        return string.Create(CultureInfo.InvariantCulture, $"${values.Count}");
    }

    private PostgresList Add<T>(string file, T terms, int tags = 0)
    {
        Add(terms);
        return new PostgresList(file, values.Count, tags);
    }
}
