using System.Collections.Concurrent;
using System.Collections.Frozen;
using Npgsql;

namespace EventStore.Postgres;

/// <summary>
/// Asks for the first stored event that matches a condition, within the section of a batch. First all terms of all conditions are searched
/// for any event, together with what the section asks anyway. Only where each term of a criterion has one is its first match searched for.
/// </summary>
internal sealed class PostgresConditions(PostgresSql sql)
{
    private readonly string findTerms = sql.Load("find-terms");
    private readonly ConcurrentDictionary<string, string> statements = new();

    /// <summary>Nothing in the way of any condition.</summary>
    public static IReadOnlyDictionary<AppendCondition, Checkpoint> None { get; } = FrozenDictionary<AppendCondition, Checkpoint>.Empty;

    /// <summary>Adds the search for the terms of a batch, if it has conditions.</summary>
    public void AddTo(NpgsqlBatch command, IReadOnlyList<CommitAttempt> attempts)
    {
        var (terms, after, categories) = (new List<long>(), new List<long>(), new List<bool>());
        foreach (var (condition, criterion) in CriteriaOf(attempts))
        {
            terms.AddRange(criterion.Tags.Select(tag => PostgresTerms.Of(criterion.Bucket, tag)));
            if (criterion.Category is { } category) terms.Add(PostgresTerms.OfCategory(criterion.Bucket, category));
            while (after.Count < terms.Count)
            {
                after.Add(condition.After.Value);
                categories.Add(criterion.Category is not null && after.Count == terms.Count);
            }
        }

        if (terms.Count == 0) return;
        command.BatchCommands.Add(new NpgsqlBatchCommand(findTerms)
        {
            Parameters =
            {
                PostgresSql.Value(terms.ToArray()), PostgresSql.Value(after.ToArray()), PostgresSql.Value(categories.ToArray()),
            },
        });
    }

    /// <summary>Reads the reply to that, which is the last one of its batch.</summary>
    /// <returns>The criteria that may match.</returns>
    public static async ValueTask<List<(AppendCondition Condition, EventCriterion Criterion)>> ReadAsync(
        NpgsqlDataReader reader, IReadOnlyList<CommitAttempt> attempts)
    {
        var criteria = CriteriaOf(attempts).ToList();
        if (criteria.Count == 0) return criteria;
        await reader.NextResultAsync(CancellationToken.None).ConfigureAwait(false);
        var found = new HashSet<int>();
        while (await reader.ReadAsync(CancellationToken.None).ConfigureAwait(false)) found.Add(reader.GetInt32(0));
        var next = 0;
        return [.. criteria.Where(asked =>
        {
            var first = next;
            next += asked.Criterion.Tags.Count + (asked.Criterion.Category is null ? 0 : 1);
            return Enumerable.Range(first, next - first).All(found.Contains);
        })];
    }

    /// <summary>Finds the first match of each condition that has one.</summary>
    public async ValueTask<IReadOnlyDictionary<AppendCondition, Checkpoint>> FindAsync(
        NpgsqlConnection connection, IReadOnlyList<(AppendCondition Condition, EventCriterion Criterion)> criteria)
    {
        if (criteria.Count == 0) return None;
        var matches = new Dictionary<AppendCondition, Checkpoint>();
        var command = new NpgsqlBatch(connection);
        await using var ending = command.ConfigureAwait(false);
        foreach (var (condition, criterion) in criteria) command.BatchCommands.Add(ToFind(criterion, condition.After));
        var reader = await command.ExecuteReaderAsync(CancellationToken.None).ConfigureAwait(false);
        await using var closing = reader.ConfigureAwait(false);
        foreach (var (condition, _) in criteria)
        {
            if (await reader.ReadAsync(CancellationToken.None).ConfigureAwait(false))
            {
                var first = new Checkpoint(reader.GetInt64(0));
                if (!matches.TryGetValue(condition, out var known) || first < known) matches[condition] = first;
            }

            await reader.NextResultAsync(CancellationToken.None).ConfigureAwait(false);
        }

        return matches;
    }

    /// <summary>The statement that finds the first match of a criterion.</summary>
    public NpgsqlBatchCommand ToFind(EventCriterion criterion, Checkpoint after)
    {
        List<NpgsqlParameter> values =
            [PostgresSql.Value(after.Value), PostgresSql.Value(long.MaxValue), PostgresSql.Value(long.MaxValue)];
        var criteria = new PostgresCriteria(values);
        var (match, list) = (criteria.MatchOf(criterion), criteria.ListOf(criterion));
        var command = new NpgsqlBatchCommand(statements.GetOrAdd(match + list, _ => sql.Load(
            "find-match", ("listed", list.Load(sql, isForward: true, PostgresList.SearchesOfCondition)), ("filter", match))));
        foreach (var value in values) command.Parameters.Add(value);
        return command;
    }

    private static IEnumerable<(AppendCondition Condition, EventCriterion Criterion)> CriteriaOf(IReadOnlyList<CommitAttempt> attempts)
    {
        for (var i = 0; i < attempts.Count; i++)
        {
            if (attempts[i].Condition is not { } condition) continue;
            foreach (var criterion in condition.Criteria.Any) yield return (condition, criterion);
        }
    }
}
