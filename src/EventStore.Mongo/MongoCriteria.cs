using System.Collections.Concurrent;
using MongoDB.Bson;
using MongoDB.Driver;

namespace EventStore.Mongo;

/// <summary>
/// Turns criteria into queries. A criterion is searched by one term, the rarest of its category and tags. The server looks at the rest in
/// the entries that it finds. What matches is decided by the criteria themselves, event by event.
/// </summary>
internal sealed class MongoCriteria(MongoConnection connection)
{
    private const int FirstCount = 1_000;
    private const int CountGrowth = 32;
    private const int MostCount = 1_024_000;
    private const int MaxKnownTerms = 4_096;

    // How many entries a term had, up to which number, and how far the store was. Used as long as the store is not twice as large. Emptied
    // when it is larger than this.
    private readonly ConcurrentDictionary<long, (long Entries, int Searched, long At)> known = new();

    /// <summary>The index entries to search for criteria that all name a category or a tag, each with what else must be.</summary>
    public async Task<MongoTermSearch[]> SearchesOfAsync(EventCriteria criteria, CancellationToken cancellationToken)
    {
        var searches = await Task.WhenAll(criteria.Any.Select(async criterion => new MongoTermSearch(
            await FindRarestAsync(criterion, cancellationToken).ConfigureAwait(false), RestOf(criterion)))).ConfigureAwait(false);
        return [.. searches.DistinctBy(search => (search.Term, search.Rest?.ToString()))];
    }

    /// <summary>What the entry of a matching event is, where no index helps.</summary>
    public static BsonDocument MatchOf(EventCriteria criteria) => new("$or", new BsonArray(criteria.Any.Select(MatchOf)));

    private static BsonDocument MatchOf(EventCriterion criterion)
    {
        var member = new BsonDocument(MongoRows.Bucket, criterion.Bucket);
        if (criterion.Category is { } category) member.Add(MongoRows.Category, category);
        if (criterion.Id is { } id) member.Add(MongoRows.Id, id);
        var one = new BsonDocument();
        if (criterion.Types is { } types) one.Add(MongoRows.EventType, new BsonDocument("$in", new BsonArray(types)));
        if (criterion.Tags.Count > 0) one.Add(MongoRows.Tags, new BsonDocument("$all", new BsonArray(criterion.Tags)));
        if (one.ElementCount > 0) member.Add(MongoRows.Events, new BsonDocument("$elemMatch", one));
        return new BsonDocument(MongoRows.Commits, new BsonDocument("$elemMatch", member));
    }

    // Nothing where the term says it all.
    private static BsonDocument? RestOf(EventCriterion criterion) =>
        criterion.Id is null && criterion.Types is null && criterion.Tags.Count + (criterion.Category is null ? 0 : 1) == 1
            ? null : MatchOf(criterion);

    private async Task<long> FindRarestAsync(EventCriterion criterion, CancellationToken cancellationToken)
    {
        List<long> terms = [.. criterion.Tags.Select(tag => MongoTokens.TermOfTag(criterion.Bucket, tag))];
        if (criterion.Category is { } category) terms.Add(MongoTokens.TermOfCategory(criterion.Bucket, category));
        if (terms.Count == 1) return terms[0];
        for (var most = FirstCount; ; most *= CountGrowth)
        {
            var counts = await Task.WhenAll(terms.Select(term => CountAsync(term, most, cancellationToken))).ConfigureAwait(false);
            if (counts.Min() < most || most >= MostCount) return terms[Array.IndexOf(counts, counts.Min())];
        }
    }

    private async Task<long> CountAsync(long term, int most, CancellationToken cancellationToken)
    {
        var now = connection.History.Newest.Value;
        if (known.TryGetValue(term, out var count) && count.Searched >= most && now <= (2 * count.At) + FirstCount) return count.Entries;
        var entries = await connection.ReadAsync(token => connection.Entries.CountDocumentsAsync(
            new BsonDocument(MongoRows.Terms, term), new CountOptions { Limit = most }, token), cancellationToken).ConfigureAwait(false);
        if (known.Count > MaxKnownTerms) known.Clear();
        known[term] = (entries, most, now);
        return entries;
    }
}

/// <summary>A search of the index by terms.</summary>
/// <param name="Term">The term.</param>
/// <param name="Rest">What else an entry must be; null where the term is all.</param>
internal readonly record struct MongoTermSearch(long Term, BsonDocument? Rest)
{
    /// <summary>The entries of a range that the search finds.</summary>
    public BsonDocument ToFilter(BsonDocument range)
    {
        var filter = new BsonDocument { { MongoRows.Terms, Term }, { MongoRows.Last, range } };
        if (Rest is not null) filter.AddRange(Rest);
        return filter;
    }

    /// <summary>The entries of a range that any of several searches finds.</summary>
    public static BsonDocument ToFilter(IReadOnlyList<MongoTermSearch> searches, BsonDocument range) => searches.Count == 1
        ? searches[0].ToFilter(range)
        : new BsonDocument("$or", new BsonArray(searches.Select(search => search.ToFilter(range))));
}
