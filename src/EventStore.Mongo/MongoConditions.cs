using MongoDB.Bson;

namespace EventStore.Mongo;

/// <summary>Finds the first stored event that matches an append condition, from the index by terms.</summary>
internal sealed class MongoConditions(MongoConnection connection)
{
    // One entry decides as a rule; the first may hold the condition's checkpoint itself, or be hidden.
    private const int FirstEntries = 2;
    private const int MoreEntries = 64;
    private readonly MongoCriteria criteria = new(connection);

    /// <summary>The first match after the condition's checkpoint, with the number of its entry; 0 for none.</summary>
    /// <param name="condition">The condition.</param>
    /// <param name="going">What is going, asked for before this.</param>
    /// <param name="cancellationToken">Honoured.</param>
    public async Task<(long Checkpoint, long Link)> FindFirstAsync(
        AppendCondition condition, MongoGoing going, CancellationToken cancellationToken)
    {
        var searches = await criteria.SearchesOfAsync(condition.Criteria, cancellationToken).ConfigureAwait(false);
        var (after, limit) = (condition.After.Value, FirstEntries);
        while (true)
        {
            var found = await FindAsync(searches, after, limit, cancellationToken).ConfigureAwait(false);
            foreach (var entry in found)
            {
                if (FindFirst(condition, entry, going) is var first and > 0) return (first, entry.Link);
                after = entry.Last;
            }

            if (found.Count < limit) return default;
            limit = MoreEntries;
        }
    }

    private async Task<List<MongoEntry>> FindAsync(
        MongoTermSearch[] searches, long after, int limit, CancellationToken cancellationToken)
    {
        var query = new MongoQuery(MongoTermSearch.ToFilter(searches, new BsonDocument("$gt", after)))
        {
            Sort = new() { { MongoRows.Last, 1 }, { MongoRows.Key, 1 } },
            Fields = MongoRows.WithoutBodies,
            Limit = limit,
        };
        return (await connection.FindAsync(connection.Entries, query, cancellationToken).ConfigureAwait(false)).ConvertAll(MongoEntry.Of);
    }

    private static long FindFirst(AppendCondition condition, MongoEntry entry, MongoGoing going)
    {
        foreach (var member in entry.Members)
        {
            var visible = going.FirstVisible(entry, member);
            if (visible > member.To) continue;
            foreach (var recorded in entry.ToEvents(member, entry.ToCommit(member)))
            {
                if (recorded.Revision.Value >= visible && recorded.Checkpoint > condition.After && condition.Criteria.Matches(recorded))
                    return recorded.Checkpoint.Value;
            }
        }

        return 0;
    }
}
