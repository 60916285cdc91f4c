using MongoDB.Bson;
using MongoDB.Driver;

namespace EventStore.Mongo;

/// <summary>
/// Removes streams. The removal is one entry of the chain: with it everything it covers is gone for every reader and writer. What it covers is
/// emptied afterwards, by whoever removes, or by the next one to open the store.
/// </summary>
internal sealed class MongoRemoval(MongoConnection connection, MongoCommits commits, MongoHeads heads)
{
    private static readonly string[] Emptied =
    [
        MongoRows.Bucket, MongoRows.Category, MongoRows.Id, MongoRows.Start, MongoRows.Revision, MongoRows.Sequence, MongoRows.Commit, MongoRows.Headers, MongoRows.Events,
    ];

    /// <summary>The removals that are not finished.</summary>
    public static MongoQuery Going => new(new BsonDocument(MongoRows.Commit, MongoRows.Removing));

    public async Task<bool> DeleteStreamAsync(StreamId stream, CancellationToken cancellationToken)
    {
        var target = MongoTarget.Of(stream);
        return await RemoveAsync(target, async () => (await heads.FindAsync(stream, cancellationToken).ConfigureAwait(false)).Exists, cancellationToken).ConfigureAwait(false);
    }

    public async Task PurgeAsync(string? bucket, CancellationToken cancellationToken)
    {
        var target = MongoTarget.Of(bucket);
        var commitsOfIt = target.ToFilter();
        commitsOfIt.Add(MongoRows.Revision, new BsonDocument("$gte", 1L));
        var query = new MongoQuery(commitsOfIt) { Fields = new(MongoRows.Key, 1) };
        await RemoveAsync(target, async () => await connection.FindFirstAsync(connection.Entries, query, cancellationToken).ConfigureAwait(false) is not null, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Finishes what somebody began and did not finish.</summary>
    public async Task ResumeAsync(CancellationToken cancellationToken)
    {
        foreach (var document in await connection.FindAsync(connection.Entries, Going with { Sort = new(MongoRows.Key, 1) }, cancellationToken).ConfigureAwait(false))
        {
            var entry = MongoEntry.Of(document);
            await EmptyAsync(entry.Target, entry.First).ConfigureAwait(false);
        }
    }

    private async Task<bool> RemoveAsync(MongoTarget target, Func<Task<bool>> isThere, CancellationToken cancellationToken)
    {
        if (await commits.RemoveAsync(target, isThere, cancellationToken).ConfigureAwait(false) is not { } removal) return false;
        try
        {
            await EmptyAsync(target, removal).ConfigureAwait(false);
        }
        catch (StorageException)
        {
            // It is gone for everybody all the same; the next opening empties it.
        }

        return true;
    }

    // Keys stay, so that nobody takes them again, with the counts and stamps that the chain goes on from.
    private async Task EmptyAsync(MongoTarget target, long removal)
    {
        var before = target.ToFilter();
        before.Add(MongoRows.Start, new BsonDocument("$lt", removal));
        var empty = new BsonDocument("$unset", new BsonDocument(Emptied.Select(field => new BsonElement(field, ""))));
        await connection.WriteAsync(token => connection.Snapshots.DeleteManyAsync(before, token)).ConfigureAwait(false);
        await connection.WriteAsync(token => connection.Entries.UpdateManyAsync(before, empty, null, token)).ConfigureAwait(false);

        // The removal of a stream has nothing left to hide. A purge stays, to tell whoever looks up a stream while this is done.
        var finished = target.IsStream ? empty : new BsonDocument("$unset", new BsonDocument(MongoRows.Commit, ""));
        await connection.WriteAsync(token => connection.Entries.UpdateOneAsync(new BsonDocument(MongoRows.Key, removal), finished, null, token)).ConfigureAwait(false);
    }
}
