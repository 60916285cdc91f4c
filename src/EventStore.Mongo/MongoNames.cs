using MongoDB.Bson;
using MongoDB.Driver;

namespace EventStore.Mongo;

/// <summary>
/// The names of streams in their order. An entry is indexed by the name of the first stream that begins in it. An index over several names
/// would have no order. The further streams that begin in a unit are in a register, before the unit is.
/// </summary>
internal sealed class MongoNames(MongoConnection connection)
{
    /// <summary>
    /// Registers names, each with the first checkpoint that its stream is to have. One that is not stored then costs room only.
    /// </summary>
    public async Task RegisterAsync(IReadOnlyCollection<(string Key, long Start)> names)
    {
        if (names.Count == 0) return;
        List<UpdateOneModel<BsonDocument>> updates = [.. names.Select(name =>
            new UpdateOneModel<BsonDocument>(
                new BsonDocument(MongoRows.Key, name.Key), new BsonDocument("$max", new BsonDocument(MongoRows.Start, name.Start)))
            {
                IsUpsert = true,
            })];
        var isRegistered = false;
        while (!isRegistered)
        {
            try
            {
                await connection.WriteAsync(token => connection.Names.BulkWriteAsync(updates, null, token)).ConfigureAwait(false);
                isRegistered = true;
            }
            catch (MongoBulkWriteException<BsonDocument> error) when (MongoErrors.IsDuplicateKey(error))
            {
                // Two that register the same name at once both find it free; the second time it is there.
            }
        }
    }

    /// <summary>Deletes the names of removed streams, except where one of the same name began since.</summary>
    public Task RemoveAsync(MongoTarget target, long upTo)
    {
        var filter = target.ToNameFilter();
        filter.Add(MongoRows.Start, new BsonDocument("$lte", upTo));
        return connection.WriteAsync(token => connection.Names.DeleteManyAsync(filter, token));
    }

    /// <summary>The next names after one. Some may be of streams that were removed, or not stored.</summary>
    public async Task<List<StreamId>> ListAsync(string? bucket, StreamId? after, int count, CancellationToken cancellationToken)
    {
        var range = RangeOf(bucket, after);
        var registered = FindAsync(connection.Names, MongoRows.Key, range, count, cancellationToken);
        var born = await FindAsync(connection.Entries, MongoRows.Born, range, count, cancellationToken).ConfigureAwait(false);
        return [.. born.Union(await registered.ConfigureAwait(false)).Order().Take(count)];
    }

    /// <summary>Requires that a document of the register is as this engine writes it.</summary>
    /// <exception cref="CorruptStorageException">It is not.</exception>
    public static void RequireName(BsonDocument document) => MongoRows.Read(document, () =>
        (MongoTokens.ToStream(document[MongoRows.Key].AsString), MongoRows.NumberOf(document, MongoRows.Start)));

    // A stream that was removed and began again is there twice until it is emptied, so a page may have fewer names than documents.
    private async Task<List<StreamId>> FindAsync(IMongoCollection<BsonDocument> collection, string field, BsonDocument range, int count,
        CancellationToken cancellationToken)
    {
        List<StreamId> names = [];
        while (true)
        {
            var query = new MongoQuery(new BsonDocument(field, range)) { Sort = new(field, 1), Fields = new(field, 1), Limit = count };
            var found = await connection.FindAsync(collection, query, cancellationToken).ConfigureAwait(false);
            if (found.Count == 0) return names;
            names.AddRange(found.Select(document => MongoRows.Read(document, () => MongoTokens.ToStream(document[field].AsString)))
                .Distinct());
            if (found.Count < count || names.Count >= count) return names;
            range = new BsonDocument(range) { ["$gt"] = found[^1][field] };
        }
    }

    private static BsonDocument RangeOf(string? bucket, StreamId? after)
    {
        var low = bucket is null ? "" : MongoTokens.OfBucket(bucket);
        if (after is { } last && (bucket is null || StreamId.CompareCodePoints(bucket, last.Bucket) <= 0)) low = MongoTokens.Of(last);
        var range = new BsonDocument("$gt", low);
        if (bucket is not null) range.Add("$lt", MongoTokens.BeyondBucket(bucket));
        return range;
    }
}
