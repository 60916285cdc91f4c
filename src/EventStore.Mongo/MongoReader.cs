using MongoDB.Bson;

namespace EventStore.Mongo;

/// <summary>Reads pages by key. A page is two requests, whatever it holds: where to begin and where to end, then the commits.</summary>
internal sealed class MongoReader(MongoConnection connection, MongoHeads heads)
{
    private const int MaxCommitsPerPage = 1024;
    private const int MaxCheckpointsPerFilteredPage = 65_536;
    private const int MaxTries = 100;

    /// <summary>The newest entry of the chain.</summary>
    public static MongoQuery Newest => new([]) { Sort = new(MongoRows.Key, -1), Fields = MongoRows.WithoutPayloads };

    public async Task<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var beginning = FindCommitAsync(read, cancellationToken);
            var head = await heads.FindAsync(read.Stream, cancellationToken).ConfigureAwait(false);
            var (start, first) = await beginning.ConfigureAwait(false);
            var (low, high) = (Math.Max(1, read.From.Value), Math.Min(read.To.Value, head.Revision));
            if (low > high)
            {
                // A reader that is at the end looks whether the end is still where it was.
                await connection.FindNewestAsync(cancellationToken).ConfigureAwait(false);
                return new StreamPage(default, new Revision(head.Revision), IsEnd: true);
            }

            if ((first == 0 || start == head.Start) && await TryReadAsync(read, head, (low, high, Math.Max(1, first)), cancellationToken)
                .ConfigureAwait(false) is { } page) return page;

            // The stream was deleted, and perhaps created again, between looking it up and reading it.
            if (attempt == MaxTries)
                throw new CorruptStorageException($"stream '{read.Stream}'", "commits below its head are missing.",
                    "Run VerifyAsync, and restore the store from a backup.");
        }
    }

    public async Task<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken)
    {
        var isForward = read.Direction == ReadDirection.Forward;

        // What is being removed is asked for before the commits: so a removal that is not seen began after this read did.
        var removing = FindRemovalsAsync(cancellationToken);
        var beginning = isForward ? FindEntryAsync(read.After.Value, cancellationToken) : Task.FromResult(0L);
        var newest = await connection.FindNewestAsync(cancellationToken).ConfigureAwait(false);
        var end = newest?.Last ?? 0;
        var removals = await removing.ConfigureAwait(false);
        var first = await beginning.ConfigureAwait(false);

        var (low, high) = (read.After.Value, Math.Min(read.UpTo.Value, end));
        if (low >= high) return new StorePage(default, isForward ? read.After : read.UpTo, new Checkpoint(end), IsEnd: true);
        var isFiltered = read.Filter is not { Bucket: null, Category: null, Id: null, EventTypes: null, Since: null };
        if (isFiltered && isForward) high = Math.Min(high, low + MaxCheckpointsPerFilteredPage);
        if (isFiltered && !isForward) low = Math.Max(low, high - MaxCheckpointsPerFilteredPage);
        if (!isForward) first = await FindEntryAsync(low, cancellationToken).ConfigureAwait(false);

        var window = new MongoWindow(read, removals, low, high);
        await connection.TakeAsync(connection.Entries, QueryOf(read, first, high), window.Take, cancellationToken).ConfigureAwait(false);
        return window.ToPage(end, MaxCommitsPerPage);
    }

    private static MongoQuery QueryOf(StoreRead read, long first, long high)
    {
        var filter = new BsonDocument(MongoRows.Key, new BsonDocument { { "$gte", first }, { "$lte", high } });
        if (read.Filter.Bucket is { } bucket) filter.Add(MongoRows.Bucket, bucket);
        if (read.Filter.Category is { } category) filter.Add(MongoRows.Category, category);
        if (read.Filter.Id is { } id) filter.Add(MongoRows.Id, id);
        if (read.Filter.Since is { } since) filter.Add(MongoRows.Stamp, new BsonDocument("$gte", MongoRows.ToMicroseconds(since)));
        if (read.Filter.EventTypes is { } types) filter.Add($"{MongoRows.Events}.{MongoRows.EventType}",
            new BsonDocument("$in", new BsonArray(types)));
        return new MongoQuery(filter)
        {
            Sort = new(MongoRows.Key, read.Direction == ReadDirection.Forward ? 1 : -1),
            Limit = Math.Min(read.Limit.MaxEvents, MaxCommitsPerPage)
        };
    }

    // Null if the commits are not those of the stream that was looked up.
    private async Task<StreamPage?> TryReadAsync(StreamRead read, MongoHead head, (long Low, long High, long First) range,
        CancellationToken cancellationToken)
    {
        var isForward = read.Direction == ReadDirection.Forward;
        var (low, high) = (range.Low, range.High);
        var filter = MongoRows.OfStream(read.Stream);
        filter.Add(MongoRows.Start, head.Start);
        filter.Add(MongoRows.Revision, new BsonDocument { { "$gte", range.First }, { "$lte", high } });
        var limit = (int)Math.Min(Math.Min(read.Limit.MaxEvents, MaxCommitsPerPage), high - low + 1);
        var query = new MongoQuery(filter)
        {
            Sort =
            new() { { MongoRows.Start, isForward ? 1 : -1 }, { MongoRows.Revision, isForward ? 1 : -1 } },
            Limit = limit
        };

        var page = new PageBuilder(read.Limit);
        var (next, isWhole) = (isForward ? low : high, true);
        await connection.TakeAsync(connection.Entries, query, Take, cancellationToken).ConfigureAwait(false);
        return isWhole && page.Count > 0
            ? new StreamPage(page.Events, new Revision(head.Revision), IsEnd: isForward ? next > high : next < low) : null;

        bool Take(BsonDocument document)
        {
            var commit = MongoRows.ToCommit(document);
            isWhole &= commit.FirstRevision.Value <= next && next <= commit.LastRevision.Value;
            if (!isWhole) return false;
            var events = MongoRows.ToEvents(commit, document);
            for (var i = next - commit.FirstRevision.Value; i >= 0 && i < events.Length && next >= low && next <= high; i += isForward ? 1
                : -1, next += isForward ? 1 : -1)
            {
                if (!page.TryAdd(events[i])) return false;
            }

            return next >= low && next <= high;
        }
    }

    // The commit in which a forward read begins: none has to be looked for where it begins with the first.
    private async Task<(long Start, long First)> FindCommitAsync(StreamRead read, CancellationToken cancellationToken)
    {
        if (read.From.Value <= 1) return default;
        var filter = MongoRows.OfStream(read.Stream);
        filter.Add(MongoRows.Revision, new BsonDocument { { "$gte", 1L }, { "$lte", read.From.Value } });
        var query = new MongoQuery(filter)
        {
            Sort = new() { { MongoRows.Start, -1 }, { MongoRows.Revision, -1 } },
            Fields = new() { { MongoRows.Start, 1 }, { MongoRows.Revision, 1 } },
        };
        return await connection.FindFirstAsync(connection.Entries, query, cancellationToken).ConfigureAwait(false) is { } found
            ? MongoRows.PlaceOf(found) : default;
    }

    // The key of the entry that holds the checkpoint after one: a read may begin inside a commit. Where no entry holds it yet, one that
    // comes meanwhile has it as its key; the entry before has nothing for the page, and would take the room of one that has.
    private async Task<long> FindEntryAsync(long after, CancellationToken cancellationToken)
    {
        if (after == 0) return 0;
        var next = after == long.MaxValue ? after : after + 1;
        var query = new MongoQuery(new BsonDocument(MongoRows.Key, new BsonDocument("$lte", next)))
        {
            Sort = new(MongoRows.Key, -1),
            Fields = new() { { MongoRows.Key, 1 }, { MongoRows.Count, 1 } }
        };
        if (await connection.FindFirstAsync(connection.Entries, query, cancellationToken).ConfigureAwait(false) is not { } found) return 0;
        var (key, count) = MongoRows.Read(found, () => (MongoRows.NumberOf(found, MongoRows.Key), MongoRows.CountOf(found)));
        return key + count > next ? key : next;
    }

    private async Task<List<MongoEntry>> FindRemovalsAsync(CancellationToken cancellationToken)
    {
        var found = await connection.FindAsync(connection.Entries, MongoRemoval.Going, cancellationToken).ConfigureAwait(false);
        return found.ConvertAll(MongoEntry.Of);
    }
}
