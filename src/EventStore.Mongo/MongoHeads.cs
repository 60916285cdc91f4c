using MongoDB.Bson;

namespace EventStore.Mongo;

/// <summary>
/// Finds where streams stand, from the newest entry that concerns them. It is a commit, their truncation, seal or removal, or a purge of
/// their bucket or of the store. Nothing else remembers heads, so nothing can disagree with the commits.
/// </summary>
internal sealed class MongoHeads(MongoConnection connection)
{
    private const int NamesPerRequest = 256;
    private const int RequestsAtOnce = 32;
    private readonly MongoNames names = new(connection);

    /// <summary>The newest entry of a stream, without payloads; null where there never was one.</summary>
    public async Task<MongoEntry?> FindNewestAsync(StreamId stream, CancellationToken cancellationToken)
    {
        // The three are equal beginnings of one index, whose order goes on with the numbers of the entries.
        BsonArray tokens = [MongoTokens.Of(stream), MongoTokens.OfBucket(stream.Bucket), MongoTokens.Everything];
        var query = new MongoQuery(new BsonDocument(MongoRows.Streams, new BsonDocument("$in", tokens)))
        {
            Sort = new(MongoRows.Key, -1),
            Fields = MongoRows.WithoutPayloads,
        };
        var found = await connection.FindFirstAsync(connection.Entries, query, cancellationToken).ConfigureAwait(false);
        if (found is null) return null;
        var newest = MongoEntry.Of(found);
        connection.History.Raise(new Checkpoint(newest.Last));
        return newest;
    }

    /// <summary>Where a stream stands.</summary>
    public async Task<MongoHead> FindAsync(StreamId stream, CancellationToken cancellationToken) =>
        await FindNewestAsync(stream, cancellationToken).ConfigureAwait(false) is { } newest ? newest.HeadOf(stream) : default;

    /// <summary>The commit that a stream holds under an id; null for none.</summary>
    public async Task<CommitRecord?> FindCommitAsync(StreamId stream, Guid commitId, CancellationToken cancellationToken)
    {
        var head = await FindAsync(stream, cancellationToken).ConfigureAwait(false);
        return head.Exists ? await FindCommitAsync(head.Start, commitId, cancellationToken).ConfigureAwait(false) : null;
    }

    /// <summary>The same for the stream that begins at a checkpoint, which no other stream ever does.</summary>
    public async Task<CommitRecord?> FindCommitAsync(long start, Guid commitId, CancellationToken cancellationToken)
    {
        var query = new MongoQuery(new() { { MongoRows.Commit, MongoRows.ToBson(commitId) }, { MongoRows.Lives, start } })
        {
            Fields = MongoRows.WithoutEvents,
        };
        if (await connection.FindFirstAsync(connection.Entries, query, cancellationToken).ConfigureAwait(false) is not { } found)
            return null;
        var entry = MongoEntry.Of(found);
        return Array.Find(entry.Members, member => member.IsThere && member.Start == start) is { } commit ? entry.ToCommit(commit) : null;
    }

    /// <summary>The checkpoint of a revision of a stream; null where its commit is not stored.</summary>
    public async Task<long?> FindCheckpointAsync(StreamId stream, MongoHead head, long revision, CancellationToken cancellationToken)
    {
        var low = await FindBlockAsync(MongoTokens.OfBlock(stream, revision), cancellationToken).ConfigureAwait(false);
        var query = new MongoQuery(OfRevisions(stream, head.Start, (revision, revision), (low, long.MaxValue)))
        {
            Sort = new(MongoRows.Key, 1),
            Fields = MongoRows.WithoutPayloads,
        };
        var found = await connection.FindFirstAsync(connection.Entries, query, cancellationToken).ConfigureAwait(false);
        return (found is null ? null : MongoEntry.Of(found).Find(stream)) is { } member && member.Revision <= revision
            && revision <= member.To
            ? member.FirstCheckpoint + revision - member.Revision : null;
    }

    /// <summary>The number of the newest entry in which a block of revisions begins; 0 where there is none.</summary>
    public async Task<long> FindBlockAsync(string? token, CancellationToken cancellationToken)
    {
        if (token is null) return 0;
        var query = new MongoQuery(new BsonDocument(MongoRows.Streams, token))
        {
            Sort = new(MongoRows.Key, -1),
            Fields = new(MongoRows.Key, 1),
        };
        return await connection.FindFirstAsync(connection.Entries, query, cancellationToken).ConfigureAwait(false) is { } found
            ? MongoRows.Read(found, () => MongoRows.NumberOf(found, MongoRows.Key)) : 0;
    }

    /// <summary>The commits of a stream that have a range of revisions, among a range of entries.</summary>
    public static BsonDocument OfRevisions(StreamId stream, long start, (long Low, long High) revisions, (long Low, long High) links) =>
        new()
        {
            { MongoRows.Streams, MongoTokens.Of(stream) },
            { MongoRows.Key, new BsonDocument { { "$gte", links.Low }, { "$lte", links.High } } },
            {
                MongoRows.Commits,
                new BsonDocument("$elemMatch", new BsonDocument
                {
                    { MongoRows.Start, start }, { MongoRows.To, new BsonDocument("$gte", revisions.Low) },
                    { MongoRows.Revision, new BsonDocument("$lte", revisions.High) },
                })
            },
        };

    /// <summary>A stream's head with its newest snapshot; null for no stream.</summary>
    public async Task<StreamHead?> FindWithSnapshotAsync(StreamId stream, CancellationToken cancellationToken)
    {
        var newestSnapshot = FindNewestSnapshotAsync(stream, cancellationToken);
        var head = await FindAsync(stream, cancellationToken).ConfigureAwait(false);
        var (start, revision) = await newestSnapshot.ConfigureAwait(false);
        return head.ToHead(stream, start == head.Start && revision >= head.First - 1 ? revision : 0);
    }

    /// <summary>
    /// Heads in the order of their names, which is the order of the index: the database compares strings by their UTF-8 bytes.
    /// </summary>
    public async Task<IReadOnlyList<StreamHead>> ListAsync(HeadQuery query, CancellationToken cancellationToken)
    {
        var listed = new List<StreamHead>();
        for (var after = query.After; listed.Count < query.Limit;)
        {
            var found = await names.ListAsync(query.Bucket, after, Math.Min(query.Limit, NamesPerRequest), cancellationToken)
                .ConfigureAwait(false);
            if (found.Count == 0) break;
            foreach (var chunk in found.Chunk(RequestsAtOnce))
            {
                var heads = await Task.WhenAll(chunk.Select(name => FindWithSnapshotAsync(name, cancellationToken))).ConfigureAwait(false);
                listed.AddRange(heads.OfType<StreamHead>().Where(head => head.EventsSinceSnapshot >= query.MinEventsSinceSnapshot));
            }

            after = found[^1];
        }

        return listed.Count > query.Limit ? listed[..query.Limit] : listed;
    }

    // A snapshot of an earlier stream of this name comes after all of the present one, so the first one decides.
    private async Task<(long Start, long Revision)> FindNewestSnapshotAsync(StreamId stream, CancellationToken cancellationToken)
    {
        var query = new MongoQuery(MongoRows.OfStream(stream))
        {
            Sort = new() { { MongoRows.Start, -1 }, { MongoRows.Revision, -1 } },
            Fields = new() { { MongoRows.Start, 1 }, { MongoRows.Revision, 1 } },
        };
        return await connection.FindFirstAsync(connection.Snapshots, query, cancellationToken).ConfigureAwait(false) is { } found
            ? MongoRows.PlaceOf(found) : default;
    }
}
