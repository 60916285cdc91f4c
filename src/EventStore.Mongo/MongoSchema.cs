using MongoDB.Bson;
using MongoDB.Driver;

namespace EventStore.Mongo;

/// <summary>
/// Makes a store and checks the one it finds: version, indexes, collations. The document of the version is written last, so a store without
/// it was never used.
/// </summary>
internal sealed class MongoSchema(MongoConnection connection, MongoOptions options)
{
    private const int FormatVersion = 2;
    private const string FormatKey = "format";

    // A start is the start of one stream only, so with it a commit id needs no names. What is left of removed entries has no fields of the
    // sparse indexes. An index over an array has an order by the field after it only.
    private MongoIndex[] Indexes =>
    [
        new(connection.Entries, "stream", KeysOf(MongoRows.Streams, MongoRows.Key), IsUnique: false, IsSparse: false),
        new(connection.Entries, "checkpoint", KeysOf(MongoRows.Last, MongoRows.Key), IsUnique: false, IsSparse: false),
        new(connection.Entries, "term", KeysOf(MongoRows.Terms, MongoRows.Last, MongoRows.Key), IsUnique: false, IsSparse: false),
        new(connection.Entries, "name", KeysOf(MongoRows.Born), IsUnique: false, IsSparse: true),
        new(connection.Entries, "commit", KeysOf(MongoRows.Commit, MongoRows.Lives), IsUnique: true, IsSparse: true),
        new(connection.Snapshots, "snapshot",
            KeysOf(MongoRows.Bucket, MongoRows.Category, MongoRows.Id, MongoRows.Start, MongoRows.Revision, MongoRows.SchemaVersion),
            IsUnique: true, IsSparse: true),
    ];

    /// <summary>Ensures that the store is there and sound.</summary>
    /// <exception cref="StorageException">It is missing and may not be made, of another version, or lacks what keeps it right.</exception>
    public async Task EnsureAsync(bool mayCreate, CancellationToken cancellationToken)
    {
        var format = await connection.FindFirstAsync(connection.Store, new(new BsonDocument(MongoRows.Key, FormatKey)), cancellationToken)
            .ConfigureAwait(false);
        if (format is null)
        {
            if (!mayCreate)
                throw new StorageNotFoundException(
                    $"There is no store '{options.Name}' in database '{DatabaseName}'. "
                        + "Check the name, or call InitializeStorageEngine() once so that it is made.");
            await RefuseForeignAsync(cancellationToken).ConfigureAwait(false);
            await CreateAsync(cancellationToken).ConfigureAwait(false);
        }
        else if (!IsKnown(format))
        {
            var version = format.GetValue(MongoRows.Version, BsonNull.Value);
            throw new StorageException(
                $"The store '{options.Name}' in database '{DatabaseName}' has the format version "
                    + $"{(version.IsInt32 ? version : "of type " + version.BsonType)}, but this package knows {FormatVersion} only. "
                    + "Use the package that made it, or a newer one; or choose another MongoOptions.Name, and copy the events to the new "
                    + "store. Nothing was changed.");
        }

        await RequireIndexesAsync(cancellationToken).ConfigureAwait(false);
        await RequirePlainCollectionsAsync(cancellationToken).ConfigureAwait(false);
        if (format is null) await WriteFormatAsync().ConfigureAwait(false);
    }

    /// <summary>Refuses a document of the format that this package does not write.</summary>
    /// <exception cref="CorruptStorageException">It is not as this engine writes it.</exception>
    public static void RequireKnown(BsonDocument document) => MongoRows.Read(document, () =>
        document[MongoRows.Key] == FormatKey && IsKnown(document) ? true : throw new FormatException("It is of no known format."));

    private static bool IsKnown(BsonDocument format) =>
        format.GetValue(MongoRows.Version, BsonNull.Value) is BsonInt32 { Value: FormatVersion };

    private string DatabaseName => connection.Database.DatabaseNamespace.DatabaseName;

    private async Task RefuseForeignAsync(CancellationToken cancellationToken)
    {
        if (await connection.FindFirstAsync(connection.Entries, new([]), cancellationToken).ConfigureAwait(false) is null) return;

        // Another process may have made the store meanwhile.
        if (await connection.FindFirstAsync(connection.Store, new(new BsonDocument(MongoRows.Key, FormatKey)), cancellationToken)
            .ConfigureAwait(false) is not null) return;
        throw new StorageException(
            $"The collection '{NameOf(connection.Entries)}' has documents, but '{NameOf(connection.Store)}' does not say of which "
                + $"format. Choose another MongoOptions.Name, or restore '{NameOf(connection.Store)}'.");
    }

    private async Task CreateAsync(CancellationToken cancellationToken)
    {
        foreach (var index in Indexes)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var settings = new CreateIndexOptions { Name = index.Name, Unique = index.IsUnique, Sparse = index.IsSparse };
            var model = new CreateIndexModel<BsonDocument>(index.Keys, settings);
            try
            {
                await connection.WriteAsync(token => index.Collection.Indexes.CreateOneAsync(model, cancellationToken: token))
                    .ConfigureAwait(false);
            }
            catch (StorageException error) when (error.InnerException is MongoCommandException command && MongoErrors.IsOtherIndex(command))
            {
                throw Wrong(index, error);
            }
        }
    }

    private async Task WriteFormatAsync()
    {
        try
        {
            await connection.WriteAsync(async token =>
            {
                await connection.Store.InsertOneAsync(new BsonDocument { { MongoRows.Key, FormatKey },
                    { MongoRows.Version, FormatVersion } }, null, token).ConfigureAwait(false);
                return true;
            }).ConfigureAwait(false);
        }
        catch (MongoWriteException error) when (MongoErrors.IsDuplicateKey(error))
        {
            // Another process was faster, with the same.
        }
    }

    private async Task RequireIndexesAsync(CancellationToken cancellationToken)
    {
        foreach (var wanted in Indexes)
        {
            var found = await connection.ReadAsync(
                async token => await (await wanted.Collection.Indexes.ListAsync(token).ConfigureAwait(false)).ToListAsync(token)
                .ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
            var index = found.FirstOrDefault(index => index.GetValue("name", "").AsString == wanted.Name);
            if (index is null || !IsSame(index.GetValue("key", new BsonDocument()).AsBsonDocument, wanted.Keys)
                || IsSet(index, "unique") != wanted.IsUnique || IsSet(index, "sparse") != wanted.IsSparse
                || index.Contains("partialFilterExpression") || index.Contains("collation") || index.Contains("expireAfterSeconds"))
                throw Wrong(wanted, null);
        }
    }

    // A collation that takes two names for one would merge streams; a capped collection would forget; a sharded one knows no order.
    private async Task RequirePlainCollectionsAsync(CancellationToken cancellationToken)
    {
        var names = new[]
        {
            connection.Entries, connection.Snapshots, connection.Documents, connection.Names, connection.Store,
        }.Select(NameOf).ToHashSet();
        var found = await connection.ReadAsync(
            async token => await (await connection.Database.ListCollectionsAsync(cancellationToken: token).ConfigureAwait(false))
            .ToListAsync(token).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        foreach (var collection in found.Where(collection => names.Contains(collection["name"].AsString)))
        {
            if (!IsPlain(collection))
                throw new StorageException(
                    $"The collection '{collection["name"].AsString}' is a view, has a collation, is capped, clustered or of time series, "
                        + "which keeps the store from being right. Make a new one without, and copy the documents.");
        }

        if (connection.Deployment.IsSharded && await IsShardedAsync(cancellationToken).ConfigureAwait(false))
            throw new StorageException(
                $"The collection '{NameOf(connection.Entries)}' is sharded, but one store is one order and lives on one shard. "
                    + "Spread stores over shards, not a store.");
    }

    /// <summary>Whether a collection, as the server lists it, keeps and orders documents as the store needs it.</summary>
    internal static bool IsPlain(BsonDocument collection)
    {
        var settings = collection.GetValue("options", new BsonDocument()).AsBsonDocument;
        return collection.GetValue("type", "collection") == "collection" && !settings.Contains("viewOn")
            && !settings.Contains("collation") && !IsSet(settings, "capped") && !settings.Contains("timeseries")
            && !settings.Contains("clusteredIndex");
    }

    private async Task<bool> IsShardedAsync(CancellationToken cancellationToken)
    {
        var stats = await connection.ReadAsync(
            token => connection.Database.RunCommandAsync<BsonDocument>(new BsonDocument("collStats", NameOf(connection.Entries)),
            ReadPreference.Primary, token), cancellationToken).ConfigureAwait(false);
        return IsSet(stats, "sharded");
    }

    private StorageException Wrong(MongoIndex index, Exception? inner) => new(
        $"The index '{Names.Printable(index.Name)}' of '{NameOf(index.Collection)}' is missing or is another one than this engine makes, "
            + "so nothing keeps the store right. Nothing was written. Drop what is there under that name or with those "
        + $"fields. Then create it in database '{DatabaseName}': db.getCollection('{NameOf(index.Collection)}')"
            + $".createIndex({index.Keys.ToJson()}, {{ name: '{Names.Printable(index.Name)}'{(index.IsUnique ? ", unique: true" : "")}"
            + $"{(index.IsSparse ? ", sparse: true" : "")} }}).", inner);

    private static string NameOf(IMongoCollection<BsonDocument> collection) => collection.CollectionNamespace.CollectionName;

    private static BsonDocument KeysOf(params string[] fields) => new(fields.Select(field => new BsonElement(field, 1)));

    // A shell writes numbers as doubles.
    private static bool IsSame(BsonDocument found, BsonDocument wanted) =>
        found.Names.SequenceEqual(wanted.Names) && found.Values.All(direction => direction.IsNumeric && direction.ToDouble() > 0);

    private static bool IsSet(BsonDocument settings, string name) => settings.TryGetValue(name, out var value) && value.ToBoolean();
}

/// <summary>An index that the store needs.</summary>
internal sealed record MongoIndex(
    IMongoCollection<BsonDocument> Collection, string Name, BsonDocument Keys, bool IsUnique, bool IsSparse);
