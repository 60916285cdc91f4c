using MongoDB.Bson;

namespace EventStore.Mongo;

/// <summary>
/// Finds where streams stand, from the newest entry that concerns them: a commit, their removal, a purge of their bucket or of the store.
/// Nothing else remembers heads, so nothing can disagree with the commits.
/// </summary>
internal sealed class MongoHeads(MongoConnection connection)
{
    private const int NamesPerRequest = 256;
    private const int RequestsAtOnce = 32;

    /// <summary>The newest entry of a stream, without payloads; null where there never was one.</summary>
    public async Task<MongoEntry?> FindNewestAsync(StreamId stream, CancellationToken cancellationToken)
    {
        // The three are equal beginnings of one index, whose order goes on with start and revision.
        BsonArray places = [MongoRows.OfStream(stream), OfPurge(stream.Bucket), OfPurge("")];
        var query = new MongoQuery(new BsonDocument("$or", places))
        {
            Sort = new() { { MongoRows.Start, -1 }, { MongoRows.Revision, -1 } },
            Fields = MongoRows.WithoutPayloads
        };
        var found = await connection.FindFirstAsync(connection.Entries, query, cancellationToken).ConfigureAwait(false);
        if (found is null) return null;
        var newest = MongoEntry.Of(found);
        connection.History.Raise(new Checkpoint(newest.Last));
        return newest;
    }

    /// <summary>Where a stream stands.</summary>
    public async Task<MongoHead> FindAsync(StreamId stream, CancellationToken cancellationToken) =>
        await FindNewestAsync(stream, cancellationToken).ConfigureAwait(false) is { } newest ? MongoHead.After(newest) : default;

    /// <summary>The commit that a stream holds under an id; null for none.</summary>
    public async Task<CommitRecord?> FindCommitAsync(StreamId stream, Guid commitId, CancellationToken cancellationToken)
    {
        var head = await FindAsync(stream, cancellationToken).ConfigureAwait(false);
        return head.Exists ? await FindCommitAsync(head.Start, commitId, cancellationToken).ConfigureAwait(false) : null;
    }

    /// <summary>The same for the stream that begins at a checkpoint, which no other stream ever does.</summary>
    public async Task<CommitRecord?> FindCommitAsync(long start, Guid commitId, CancellationToken cancellationToken)
    {
        var query = new MongoQuery(new() { { MongoRows.Commit, MongoRows.ToBson(commitId) }, { MongoRows.Start, start } })
        {
            Fields = MongoRows.WithoutEvents,
        };
        return await connection.FindFirstAsync(connection.Entries, query, cancellationToken).ConfigureAwait(false) is { } found
            ? MongoRows.ToCommit(found) : null;
    }

    /// <summary>A stream's head with its newest snapshot; null for no stream.</summary>
    public async Task<StreamHead?> FindWithSnapshotAsync(StreamId stream, CancellationToken cancellationToken)
    {
        var newestSnapshot = FindNewestSnapshotAsync(stream, cancellationToken);
        var head = await FindAsync(stream, cancellationToken).ConfigureAwait(false);
        var (start, revision) = await newestSnapshot.ConfigureAwait(false);
        return head.Exists ? new StreamHead(stream, new Revision(head.Revision), new CommitSequence(head.Sequence),
            new Revision(start == head.Start ? revision : 0)) : null;
    }

    /// <summary>
    /// Heads in the order of their names, which is the order of the index: the database compares strings by their UTF-8 bytes.
    /// </summary>
    public async Task<IReadOnlyList<StreamHead>> ListAsync(HeadQuery query, CancellationToken cancellationToken)
    {
        var listed = new List<StreamHead>();
        for (var after = query.After; listed.Count < query.Limit;)
        {
            var names = await NextNamesAsync(query.Bucket, after, Math.Min(query.Limit, NamesPerRequest), cancellationToken)
                .ConfigureAwait(false);
            if (names.Count == 0) break;
            foreach (var chunk in names.Chunk(RequestsAtOnce))
            {
                var heads = await Task.WhenAll(chunk.Select(name => FindWithSnapshotAsync(name, cancellationToken))).ConfigureAwait(false);
                listed.AddRange(heads.OfType<StreamHead>().Where(head => head.EventsSinceSnapshot >= query.MinEventsSinceSnapshot));
            }

            after = names[^1];
        }

        return listed.Count > query.Limit ? listed[..query.Limit] : listed;
    }

    private static BsonDocument OfPurge(string bucket) => MongoRows.OfStream(bucket, "", "");

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

    // Every stream that is there has its first commit, so first commits name the streams; those of streams just removed may be among them.
    private async Task<List<StreamId>> NextNamesAsync(string? bucket, StreamId? after, int count, CancellationToken cancellationToken)
    {
        var names = new List<StreamId>(count);
        foreach (var segment in Beyond(bucket, after))
        {
            segment.Add(MongoRows.Revision, 1L);
            var query = new MongoQuery(segment)
            {
                Sort = new() { { MongoRows.Bucket, 1 }, { MongoRows.Category, 1 }, { MongoRows.Id, 1 }, { MongoRows.Start, 1 },
                    { MongoRows.Revision, 1 } },
                Fields = MongoRows.WithoutPayloads,
                Limit = count - names.Count,
            };
            var found = await connection.FindAsync(connection.Entries, query, cancellationToken).ConfigureAwait(false);
            names.AddRange(found.Select(document => MongoRows.ToCommit(document).Stream)
                .Where(name => names.Count == 0 || name != names[^1]).Distinct());
            if (found.Count == query.Limit) break;
        }

        return names;
    }

    // What comes after a name, as parts of the index that each begin with fixed fields and bound the next.
    private static IEnumerable<BsonDocument> Beyond(string? bucket, StreamId? after)
    {
        if (after is not { } last || (bucket is not null && StreamId.CompareCodePoints(bucket, last.Bucket) > 0))
        {
            yield return bucket is null ? [] : new(MongoRows.Bucket, bucket);
            yield break;
        }

        if (bucket is null || bucket == last.Bucket)
        {
            yield return new() { { MongoRows.Bucket, last.Bucket }, { MongoRows.Category, last.Category },
                { MongoRows.Id, After(last.Id) } };
            yield return new() { { MongoRows.Bucket, last.Bucket }, { MongoRows.Category, After(last.Category) } };
        }

        if (bucket is null) yield return new(MongoRows.Bucket, After(last.Bucket));

        static BsonDocument After(string name) => new("$gt", name);
    }
}
