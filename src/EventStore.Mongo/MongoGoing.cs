using MongoDB.Bson;

namespace EventStore.Mongo;

/// <summary>
/// The removals and truncations that are not carried out yet: what they cover is still stored, and hidden by them. They are asked for
/// before the commits, so one that is not seen began after the read did.
/// </summary>
internal sealed class MongoGoing
{
    private readonly List<MongoEntry> entries;

    private MongoGoing(List<MongoEntry> entries) => this.entries = entries;

    public bool IsEmpty => entries.Count == 0;

    public static MongoQuery Query => new(new BsonDocument(MongoRows.Commit, MongoRows.Removing));

    public static async Task<MongoGoing> FindAsync(MongoConnection connection, CancellationToken cancellationToken)
    {
        var found = await connection.FindAsync(connection.Entries, Query, cancellationToken).ConfigureAwait(false);
        return new MongoGoing(found.ConvertAll(MongoEntry.Of));
    }

    /// <summary>The first revision of a commit that can be seen; none of them where it is beyond the last.</summary>
    public long FirstVisible(MongoEntry entry, MongoMember member)
    {
        if (!member.IsThere) return long.MaxValue;
        var first = member.From;
        foreach (var going in entries)
        {
            if (going.Link < entry.Link || going.Change is not { } change || !change.Target.Covers(member.Stream)) continue;
            if (change.IsRemoval) return long.MaxValue;
            if (change.Head.Start == member.Start) first = Math.Max(first, change.Head.First);
        }

        return first;
    }
}
