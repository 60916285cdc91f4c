using MongoDB.Bson;
using MongoDB.Driver;

namespace EventStore.Mongo;

/// <summary>
/// The store's collections with the concerns its durability needs, and the ways to ask them. Each request has a time limit, and fails as
/// the contract says. Everything is asked of the primary.
/// </summary>
internal sealed class MongoConnection
{
    /// <summary>How often a primary is asked that shows less than was seen of it, with <see cref="PauseOfDoubt"/> between.</summary>
    public const int AttemptsInDoubt = 10;

    private readonly MongoOptions options;

    public MongoConnection(IMongoDatabase database, MongoDeployment deployment, MongoOptions options)
    {
        this.options = options;
        History = new StorageHistory($"mongodb:{database.DatabaseNamespace.DatabaseName}/{options.Name}");
        Database = database;
        Deployment = deployment;
        var settings = new MongoCollectionSettings
        {
            ReadPreference = ReadPreference.Primary,
            ReadConcern = deployment.ReadConcern,
            WriteConcern = deployment.WriteConcern
        };
        Entries = database.GetCollection<BsonDocument>($"{options.Name}.entries", settings);
        Snapshots = database.GetCollection<BsonDocument>($"{options.Name}.snapshots", settings);
        Documents = database.GetCollection<BsonDocument>($"{options.Name}.documents", settings);
        Names = database.GetCollection<BsonDocument>($"{options.Name}.names", settings);
        Store = database.GetCollection<BsonDocument>($"{options.Name}.store", settings);
    }

    public static TimeSpan PauseOfDoubt { get; } = TimeSpan.FromMilliseconds(100);

    public IMongoDatabase Database { get; }

    /// <summary>What was seen of the chain.</summary>
    public StorageHistory History { get; }

    public MongoDeployment Deployment { get; }

    public TimeSpan CommandTimeout => options.CommandTimeout;

    public TimeSpan PollInterval => options.PollInterval;

    /// <summary>The chain: commits, units, changes of streams, and what is left of removed ones.</summary>
    public IMongoCollection<BsonDocument> Entries { get; }

    public IMongoCollection<BsonDocument> Snapshots { get; }

    public IMongoCollection<BsonDocument> Documents { get; }

    /// <summary>The names of streams that began in a unit beside others.</summary>
    public IMongoCollection<BsonDocument> Names { get; }

    /// <summary>The format's version.</summary>
    public IMongoCollection<BsonDocument> Store { get; }

    /// <summary>
    /// The newest entry of the chain, as far as it is its end; null before the first. A new primary may not know for a moment what a
    /// majority has: an older entry is asked for again before it is believed.
    /// </summary>
    /// <exception cref="StorageReplacedException">The chain ends before what was seen of it.</exception>
    public async Task<MongoEntry?> FindNewestAsync(CancellationToken cancellationToken)
    {
        var known = History.Newest;
        for (var attempt = 1; ; attempt++)
        {
            var found = await FindFirstAsync(Entries, MongoStorePages.Newest, cancellationToken).ConfigureAwait(false);
            var last = new Checkpoint(found is null ? 0 : MongoEntry.Of(found).Last);
            if (last >= known || attempt == AttemptsInDoubt)
            {
                History.Observe(last, known);
                return found is null ? null : MongoEntry.Of(found);
            }

            await Task.Delay(PauseOfDoubt, cancellationToken).ConfigureAwait(false);
        }
    }

    public Task<List<BsonDocument>> FindAsync(IMongoCollection<BsonDocument> collection, MongoQuery query,
        CancellationToken cancellationToken) => ReadAsync(async token =>
    {
        using var cursor = await collection.FindAsync<BsonDocument>(query.Filter, query.Options, token).ConfigureAwait(false);
        return await cursor.ToListAsync(token).ConfigureAwait(false);
    }, cancellationToken);

    /// <summary>The first document of a query; null for none.</summary>
    public async Task<BsonDocument?> FindFirstAsync(IMongoCollection<BsonDocument> collection, MongoQuery query,
        CancellationToken cancellationToken)
    {
        var found = await FindAsync(collection, query with { Limit = 1 }, cancellationToken).ConfigureAwait(false);
        return found.Count == 0 ? null : found[0];
    }

    /// <summary>Hands documents over one by one, batch after batch, until the taker has enough. Holds no cursor afterwards.</summary>
    public Task TakeAsync(IMongoCollection<BsonDocument> collection, MongoQuery query, Func<BsonDocument, bool> take,
        CancellationToken cancellationToken) => ReadAsync(async token =>
    {
        using var cursor = await collection.FindAsync<BsonDocument>(query.Filter, query.Options, token).ConfigureAwait(false);
        while (await cursor.MoveNextAsync(token).ConfigureAwait(false))
        {
            foreach (var document in cursor.Current)
            {
                if (!take(document)) return true;
            }
        }

        return true;
    }, cancellationToken);

    /// <summary>Hands over all documents of a query, batch after batch. The time limit is for each batch, so they may be many.</summary>
    public async Task WalkAsync(IMongoCollection<BsonDocument> collection, MongoQuery query, Action<IEnumerable<BsonDocument>> take,
        CancellationToken cancellationToken)
    {
        using var cursor = await ReadAsync(token => collection.FindAsync<BsonDocument>(query.Filter, query.Options, token),
            cancellationToken).ConfigureAwait(false);
        while (await ReadAsync(cursor.MoveNextAsync, cancellationToken).ConfigureAwait(false)) take(cursor.Current);
    }

    public async Task<T> ReadAsync<T>(Func<CancellationToken, Task<T>> read, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.CommandTimeout);
        try
        {
            return await read(limit.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (MongoErrors.IsOfDriver(error))
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw MongoErrors.OfRead(error);
        }
    }

    /// <summary>Sends a write, which is no longer canceled. A duplicate key comes through as the driver has it.</summary>
    public async Task<T> WriteAsync<T>(Func<CancellationToken, Task<T>> write)
    {
        using var limit = new CancellationTokenSource(options.CommandTimeout);
        try
        {
            return await write(limit.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (MongoErrors.IsOfDriver(error) && !MongoErrors.IsDuplicateKey(error))
        {
            throw MongoErrors.OfWrite(error);
        }
    }
}

/// <summary>A query as it is asked of a collection.</summary>
internal readonly record struct MongoQuery(BsonDocument Filter)
{
    /// <summary>The order; null for any.</summary>
    public BsonDocument? Sort { get; init; }

    /// <summary>The fields; null for all.</summary>
    public BsonDocument? Fields { get; init; }

    /// <summary>How many documents are passed over first.</summary>
    public int Skip { get; init; }

    /// <summary>Most documents; 0 for all.</summary>
    public int Limit { get; init; }

    /// <summary>Most documents of a reply; null for a page: all of it come in one reply, as far as the size of a reply allows.</summary>
    public int? BatchSize { get; init; }

    public FindOptions<BsonDocument> Options => new()
    {
        Sort = Sort,
        Projection = Fields,
        Skip = Skip == 0 ? null : Skip,
        Limit = Limit == 0 ? null : Limit,
        BatchSize = BatchSize ?? (Limit is 0 or int.MaxValue ? null : Limit + 1)
    };
}
