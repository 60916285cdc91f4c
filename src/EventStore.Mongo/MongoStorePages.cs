using MongoDB.Bson;

namespace EventStore.Mongo;

/// <summary>
/// Reads pages of the store by checkpoint. A page of criteria or of a category searches the index by terms, so that it costs the entries of
/// the rarest one.
/// </summary>
internal sealed class MongoStorePages(MongoConnection connection)
{
    private const int MaxEntriesPerPage = 1024;
    private const int MaxCheckpointsPerFilteredPage = 65_536;

    // Where entries of a term may be left out, so many are looked at for one page.
    private const int MaxSearchedPerPage = 4_096;
    private readonly MongoCriteria criteria = new(connection);

    /// <summary>The newest entry of the chain, as far as it is its end.</summary>
    public static MongoQuery Newest => new([]) { Sort = new(MongoRows.Key, -1), Fields = MongoRows.OnlyEnd };

    public async Task<StorePage> ReadAsync(StoreRead read, CancellationToken cancellationToken)
    {
        var isForward = read.Direction == ReadDirection.Forward;
        var finding = MongoGoing.FindAsync(connection, cancellationToken);
        var ending = isForward || read.UpTo.Value >= MongoRows.MostNumber ? Task.FromResult(long.MaxValue)
            : FindLastAsync(read.UpTo.Value, cancellationToken);
        var newest = await connection.FindNewestAsync(cancellationToken).ConfigureAwait(false);
        var end = newest?.Last ?? 0;
        var going = await finding.ConfigureAwait(false);
        var beyond = isForward ? long.MaxValue : Math.Min(await ending.ConfigureAwait(false), end);

        var (low, high) = (read.After.Value, Math.Min(read.UpTo.Value, end));
        if (low >= high) return new StorePage(default, isForward ? read.After : read.UpTo, new Checkpoint(end), IsEnd: true);
        var rest = RestOf(read.Filter);
        BsonDocument filter;
        if (await FindSearchesAsync(read.Filter, cancellationToken).ConfigureAwait(false) is { } searches)
        {
            if (rest.ElementCount > 0 || searches.Any(search => search.Rest is not null))
                (low, high) = await ShortenAsync(searches, read.Direction, (low, high, beyond), cancellationToken).ConfigureAwait(false);
            filter = MongoTermSearch.ToFilter(searches, RangeOf(low, high, beyond));
        }
        else
        {
            if (read.Filter.Criteria is { } unindexed) rest.AddRange(MongoCriteria.MatchOf(unindexed));
            if (rest.ElementCount > 0 && isForward) high = Math.Min(high, low + MaxCheckpointsPerFilteredPage);
            if (rest.ElementCount > 0 && !isForward) low = Math.Max(low, high - MaxCheckpointsPerFilteredPage);
            filter = new BsonDocument(MongoRows.Last, RangeOf(low, high, beyond));

            // An entry without checkpoints would take the room of one that the page moves on by.
            filter.Add(MongoRows.Count, new BsonDocument("$gt", 0L));
        }

        filter.AddRange(rest);
        var limit = Math.Min(read.Limit.MaxEvents, MaxEntriesPerPage);
        var query = new MongoQuery(filter) { Sort = SortOf(isForward), Limit = limit };
        var window = new MongoWindow(read, going, low, high);
        await connection.TakeAsync(connection.Entries, query, window.Take, cancellationToken).ConfigureAwait(false);
        return window.ToPage(end, limit);
    }

    private static BsonDocument SortOf(bool isForward) =>
        new() { { MongoRows.Last, isForward ? 1 : -1 }, { MongoRows.Key, isForward ? 1 : -1 } };

    // An entry ends beyond the window by less than it has events.
    private static BsonDocument RangeOf(long low, long high, long beyond) =>
        new() { { "$gt", low }, { "$lte", Math.Min(beyond, high + MongoCommits.MaxEvents) } };

    private async Task<MongoTermSearch[]?> FindSearchesAsync(EventFilter filter, CancellationToken cancellationToken)
    {
        if (filter.Criteria is { } asked && asked.Any.All(criterion => criterion.IsIndexed))
            return await criteria.SearchesOfAsync(asked, cancellationToken).ConfigureAwait(false);
        return filter is { Bucket: { } bucket, Category: { } category, Criteria: null }
            ? [new MongoTermSearch(MongoTokens.TermOfCategory(bucket, category), null)] : null;
    }

    // What is left to the server beside criteria. Events of a unit that do not fit are left out afterwards.
    private static BsonDocument RestOf(EventFilter filter)
    {
        var rest = new BsonDocument();
        var isSearched = filter.Criteria is null && filter.Bucket is not null && filter.Category is not null;
        if (!isSearched && filter.Bucket is { } bucket) rest.Add($"{MongoRows.Commits}.{MongoRows.Bucket}", bucket);
        if (!isSearched && filter.Category is { } category) rest.Add($"{MongoRows.Commits}.{MongoRows.Category}", category);
        if (filter.Id is { } id) rest.Add($"{MongoRows.Commits}.{MongoRows.Id}", id);
        if (filter.Since is { } since) rest.Add(MongoRows.Stamp, new BsonDocument("$gte", MongoRows.ToMicroseconds(since)));
        if (filter.EventTypes is { } types) rest.Add($"{MongoRows.Commits}.{MongoRows.Events}.{MongoRows.EventType}",
            new BsonDocument("$in", new BsonArray(types)));
        return rest;
    }

    // The window in which no search has more entries than are looked at for a page.
    private async Task<(long Low, long High)> ShortenAsync(MongoTermSearch[] searches, ReadDirection direction,
        (long Low, long High, long Beyond) window, CancellationToken cancellationToken)
    {
        var isForward = direction == ReadDirection.Forward;
        var range = RangeOf(window.Low, window.High, window.Beyond);
        var bounds = await Task.WhenAll(searches.Select(search => search.Term).Distinct().Select(async term =>
        {
            var query = new MongoQuery(new MongoTermSearch(term, null).ToFilter(range))
            {
                Sort = SortOf(isForward),
                Fields = new(MongoRows.Last, 1),
                Skip = MaxSearchedPerPage,
            };
            return await connection.FindFirstAsync(connection.Entries, query, cancellationToken).ConfigureAwait(false) is { } found
                ? MongoRows.Read(found, () => MongoRows.NumberOf(found, MongoRows.Last)) : isForward ? window.High : window.Low;
        })).ConfigureAwait(false);
        return isForward ? (window.Low, Math.Min(window.High, bounds.Min())) : (Math.Max(window.Low, bounds.Max()), window.High);
    }

    // The last checkpoint of the entry that holds one: a read may end inside a commit.
    private async Task<long> FindLastAsync(long checkpoint, CancellationToken cancellationToken)
    {
        var query = new MongoQuery(new BsonDocument(MongoRows.Last, new BsonDocument("$gte", checkpoint)))
        {
            Sort = new() { { MongoRows.Last, 1 }, { MongoRows.Key, 1 } },
            Fields = new(MongoRows.Last, 1),
        };
        return await connection.FindFirstAsync(connection.Entries, query, cancellationToken).ConfigureAwait(false) is { } found
            ? MongoRows.Read(found, () => MongoRows.NumberOf(found, MongoRows.Last)) : long.MaxValue;
    }
}
