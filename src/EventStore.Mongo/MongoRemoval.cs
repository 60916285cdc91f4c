using System.Diagnostics;
using MongoDB.Bson;
using MongoDB.Driver;

namespace EventStore.Mongo;

/// <summary>
/// Removes streams. The removal is one entry of the chain: with it everything it covers is gone for every reader and writer. What it covers
/// is emptied afterwards in short steps, by the process that removes, or by the next ones to open the store.
/// </summary>
internal sealed class MongoRemoval(MongoConnection connection, MongoWriter writer, MongoHeads heads)
{
    private const int DocumentsPerStep = 500;

    private static readonly string[] Emptied =
    [
        MongoRows.Bucket, MongoRows.Category, MongoRows.Id, MongoRows.Start, MongoRows.Revision, MongoRows.Sequence, MongoRows.Commit,
        MongoRows.Headers, MongoRows.Events,
    ];

    /// <summary>The removals that are not finished.</summary>
    public static MongoQuery Going => new(new BsonDocument(MongoRows.Commit, MongoRows.Removing));

    public async Task<bool> DeleteStreamAsync(StreamId stream, CancellationToken cancellationToken)
    {
        var target = MongoTarget.Of(stream);
        return await RemoveAsync(target, async () =>
            (await heads.FindAsync(stream, cancellationToken).ConfigureAwait(false)).Exists, cancellationToken).ConfigureAwait(false);
    }

    public async Task PurgeAsync(string? bucket, CancellationToken cancellationToken)
    {
        var target = MongoTarget.Of(bucket);
        var commitsOfIt = target.ToFilter();
        commitsOfIt.Add(MongoRows.Revision, new BsonDocument("$gte", 1L));
        var query = new MongoQuery(commitsOfIt) { Fields = new(MongoRows.Key, 1) };
        await RemoveAsync(target, async () => await connection.FindFirstAsync(connection.Entries, query, cancellationToken)
            .ConfigureAwait(false) is not null, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Continues removals that were begun and not finished, for about as long as a request may take: opening the store waits for it.
    /// </summary>
    public async Task ResumeAsync(CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        foreach (var document in await connection.FindAsync(connection.Entries, Going with { Sort = new(MongoRows.Key, 1) },
            cancellationToken).ConfigureAwait(false))
        {
            var entry = MongoEntry.Of(document);
            await TryEmptyAsync(entry.Target, entry.First,
                () => Stopwatch.GetElapsedTime(started) < connection.CommandTimeout, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<bool> RemoveAsync(MongoTarget target, Func<Task<bool>> isThere, CancellationToken cancellationToken)
    {
        if (await writer.RemoveAsync(target, isThere, cancellationToken).ConfigureAwait(false) is not { } removal) return false;
        await TryEmptyAsync(target, removal, () => true, CancellationToken.None).ConfigureAwait(false);
        return true;
    }

    // Keys stay, so that no writer takes them again, with the counts and stamps that the chain goes on from.
    private async Task TryEmptyAsync(MongoTarget target, long removal, Func<bool> hasTime, CancellationToken cancellationToken)
    {
        var covered = target.ToFilter();
        covered.Add(MongoRows.Start, new BsonDocument("$lt", removal));
        var empty = new BsonDocument("$unset", new BsonDocument(Emptied.Select(field => new BsonElement(field, ""))));
        try
        {
            while (await FindStepAsync(connection.Snapshots, covered, cancellationToken).ConfigureAwait(false) is { } step)
            {
                if (!hasTime()) return;
                await connection.WriteAsync(token => connection.Snapshots.DeleteManyAsync(step, token)).ConfigureAwait(false);
            }

            while (await FindStepAsync(connection.Entries, covered, cancellationToken).ConfigureAwait(false) is { } step)
            {
                if (!hasTime()) return;
                await connection.WriteAsync(token => connection.Entries.UpdateManyAsync(step, empty, null, token)).ConfigureAwait(false);
            }

            // The removal of a stream has nothing left to hide. A purge stays, so that a lookup of a stream finds it while this is done.
            var finished = target.IsStream ? empty : new BsonDocument("$unset", new BsonDocument(MongoRows.Commit, ""));
            await connection.WriteAsync(token =>
                connection.Entries.UpdateOneAsync(new BsonDocument(MongoRows.Key, removal), finished, null, token)).ConfigureAwait(false);
        }
        catch (StorageException)
        {
            // No reader sees it any more all the same, and only space is lost until the next opening goes on.
        }
    }

    // The next documents that are covered, by their keys; null when there are none left.
    private async Task<BsonDocument?> FindStepAsync(IMongoCollection<BsonDocument> collection, BsonDocument covered,
        CancellationToken cancellationToken)
    {
        var query = new MongoQuery(covered) { Fields = new(MongoRows.Key, 1), Limit = DocumentsPerStep };
        var found = await connection.FindAsync(collection, query, cancellationToken).ConfigureAwait(false);
        return found.Count == 0 ? null
            : new BsonDocument(MongoRows.Key, new BsonDocument("$in", new BsonArray(found.Select(document => document[MongoRows.Key]))));
    }
}
