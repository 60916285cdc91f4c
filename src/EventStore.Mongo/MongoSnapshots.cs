using MongoDB.Bson;
using MongoDB.Driver;

namespace EventStore.Mongo;

/// <summary>
/// Snapshots, each bound to the life of its stream by the stream's start. One that outlives it is never returned, and none that a
/// truncation made useless.
/// </summary>
internal sealed class MongoSnapshots(MongoConnection connection, MongoHeads heads)
{
    private static BsonDocument NewestFirst =>
        new() { { MongoRows.Start, -1 }, { MongoRows.Revision, -1 }, { MongoRows.SchemaVersion, -1 } };

    public async Task SaveAsync(SnapshotRecord snapshot, CancellationToken cancellationToken)
    {
        var head = await heads.FindAsync(snapshot.Stream, cancellationToken).ConfigureAwait(false);
        if (!AttemptRules.Accepts(snapshot, head.State))
            throw new SnapshotRefusedException(snapshot.Stream, snapshot.Revision, head.State);

        var place = OfLife(snapshot.Stream, head);
        place.Add(MongoRows.Revision, snapshot.Revision.Value);
        place.Add(MongoRows.SchemaVersion, snapshot.SchemaVersion);
        var state = new BsonDocument("$set",
            new BsonDocument { { MongoRows.StateType, snapshot.StateType }, { MongoRows.State, MongoRows.ToBson(snapshot.Payload) } });
        var saved = false;
        while (!saved)
        {
            try
            {
                await connection.WriteAsync(token =>
                    connection.Snapshots.UpdateOneAsync(place, state, new UpdateOptions { IsUpsert = true }, token)).ConfigureAwait(false);
                saved = true;
            }
            catch (MongoWriteException error) when (MongoErrors.IsDuplicateKey(error))
            {
                // Two that save the same place at once both find it free; the second time it is there.
            }
        }
    }

    public async Task<SnapshotRecord?> FindAsync(StreamId stream, Revision atMost, CancellationToken cancellationToken)
    {
        var head = await heads.FindAsync(stream, cancellationToken).ConfigureAwait(false);
        if (!head.Exists) return null;
        var filter = OfLife(stream, head);
        filter.Add(MongoRows.Revision, new BsonDocument { { "$gte", head.First - 1 }, { "$lte", atMost.Value } });
        var query = new MongoQuery(filter) { Sort = NewestFirst };
        return await connection.FindFirstAsync(connection.Snapshots, query, cancellationToken).ConfigureAwait(false) is { } found
            ? ToSnapshot(stream, found) with { Incarnation = new Checkpoint(head.Start) } : null;
    }

    /// <summary>A snapshot as it was stored.</summary>
    /// <exception cref="CorruptStorageException">It is not as this engine writes it.</exception>
    public static SnapshotRecord ToSnapshot(StreamId stream, BsonDocument found) => MongoRows.Read(found, () => new SnapshotRecord(
        stream, new Revision(MongoRows.NumberOf(found, MongoRows.Revision)), found[MongoRows.SchemaVersion].AsInt32,
        found[MongoRows.StateType].AsString, found[MongoRows.State].AsByteArray));

    // What is saved meanwhile is newer than what was found, or older than all that is kept.
    public async Task PruneAsync(StreamId stream, int keep, CancellationToken cancellationToken)
    {
        var head = await heads.FindAsync(stream, cancellationToken).ConfigureAwait(false);
        if (!head.Exists) return;
        var query = new MongoQuery(OfLife(stream, head)) { Sort = NewestFirst, Fields = new(MongoRows.Key, 1) };
        var found = await connection.FindAsync(connection.Snapshots, query, cancellationToken).ConfigureAwait(false);
        if (found.Count <= keep) return;
        var pruned = new BsonDocument(MongoRows.Key,
            new BsonDocument("$in", new BsonArray(found.Skip(keep).Select(document => document[MongoRows.Key]))));
        await connection.WriteAsync(token => connection.Snapshots.DeleteManyAsync(pruned, token)).ConfigureAwait(false);
    }

    private static BsonDocument OfLife(StreamId stream, MongoHead head)
    {
        var filter = MongoRows.OfStream(stream);
        filter.Add(MongoRows.Start, head.Start);
        return filter;
    }
}
