using System.Collections.Concurrent;
using System.Collections.Frozen;
using Npgsql;

namespace EventStore.Postgres;

/// <summary>
/// Asks for the first stored event that matches a condition, within the section of a batch. Each criterion is one search; all of them are
/// sent with what the section asks anyway.
/// </summary>
internal sealed class PostgresConditions(PostgresSql sql)
{
    private readonly ConcurrentDictionary<string, string> statements = new();

    /// <summary>Nothing in the way of any condition.</summary>
    public static IReadOnlyDictionary<AppendCondition, Checkpoint> None { get; } = FrozenDictionary<AppendCondition, Checkpoint>.Empty;

    /// <summary>Adds the statements for the conditions of a batch.</summary>
    public void AddTo(NpgsqlBatch command, IReadOnlyList<CommitAttempt> attempts)
    {
        for (var i = 0; i < attempts.Count; i++)
        {
            if (attempts[i].Condition is not { } condition) continue;
            foreach (var criterion in condition.Criteria.Any) command.BatchCommands.Add(ToFind(criterion, condition.After));
        }
    }

    /// <summary>Reads the replies to those statements, which are the last ones of their batch.</summary>
    /// <returns>The first match of each condition that has one.</returns>
    public static async ValueTask<IReadOnlyDictionary<AppendCondition, Checkpoint>> ReadAsync(
        NpgsqlDataReader reader, IReadOnlyList<CommitAttempt> attempts)
    {
        Dictionary<AppendCondition, Checkpoint>? matches = null;
        foreach (var condition in attempts.Select(attempt => attempt.Condition).OfType<AppendCondition>())
        {
            var first = long.MaxValue;
            for (var i = 0; i < condition.Criteria.Any.Count; i++)
            {
                await reader.NextResultAsync(CancellationToken.None).ConfigureAwait(false);
                if (await reader.ReadAsync(CancellationToken.None).ConfigureAwait(false)) first = Math.Min(first, reader.GetInt64(0));
            }

            if (first < long.MaxValue) (matches ??= [])[condition] = new Checkpoint(first);
        }

        return matches ?? None;
    }

    private NpgsqlBatchCommand ToFind(EventCriterion criterion, Checkpoint after)
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
}
