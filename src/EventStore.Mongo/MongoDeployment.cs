using MongoDB.Bson;
using MongoDB.Driver;
using MongoDB.Driver.Core.Clusters;

namespace EventStore.Mongo;

/// <summary>What kind of deployment was found, and what durability can be asked of it.</summary>
/// <param name="Kind">A standalone server, a replica set, a sharded cluster.</param>
/// <param name="HasMajority">Whether there are members of which a majority can be asked for.</param>
/// <param name="IsPersistent">Whether the storage outlives the server; null where it does not say.</param>
/// <param name="Durability">What the application chose.</param>
/// <param name="Timeout">How long a write waits for the majority.</param>
internal sealed record MongoDeployment(string Kind, bool HasMajority, bool? IsPersistent, Durability Durability, TimeSpan Timeout)
{
    private const string Sharded = "a sharded cluster";

    private bool IsDurable => Durability == Durability.Durable;

    /// <summary>What was read from a majority is never rolled back; the chain of entries rests on it.</summary>
    public ReadConcern ReadConcern => IsDurable && HasMajority ? ReadConcern.Majority : ReadConcern.Default;

    public WriteConcern WriteConcern => (IsDurable, HasMajority) switch
    {
        (true, true) => WriteConcern.WMajority.With(journal: true, wTimeout: Timeout),
        (true, false) => WriteConcern.W1.With(journal: true),
        _ => WriteConcern.W1,
    };

    public bool IsSharded => Kind == Sharded;

    public bool HasChangeStreams => HasMajority;

    /// <summary>The most bytes of a document that the servers take; some services take less than MongoDB.</summary>
    public int MaxDocumentBytes { get; init; } = MongoCommits.MaxDocumentBytes;

    public static async Task<MongoDeployment> DetectAsync(IMongoDatabase database, MongoOptions options,
        CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.CommandTimeout);
        try
        {
            await database.RunCommandAsync<BsonDocument>(new BsonDocument("ping", 1), ReadPreference.Primary, limit.Token)
                .ConfigureAwait(false);
            var isPersistent = await AskPersistenceAsync(database, limit.Token).ConfigureAwait(false);
            var cluster = database.Client.Cluster.Description;
            MongoDeployment found = cluster.Type switch
            {
                ClusterType.Standalone => new("a standalone server", false, isPersistent, options.Durability, options.CommandTimeout),
                ClusterType.ReplicaSet => new("a replica set", true, isPersistent, options.Durability, options.CommandTimeout),
                _ => new(Sharded, true, isPersistent, options.Durability, options.CommandTimeout),
            };
            return found with
            {
                MaxDocumentBytes = cluster.Servers.Select(server => server.MaxDocumentSize).Where(size => size > 0)
                    .Append(MongoCommits.MaxDocumentBytes).Min(),
            };
        }
        catch (Exception error) when (MongoErrors.IsOfDriver(error))
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw MongoErrors.OfRead(error);
        }
    }

    public EngineDurability Describe()
    {
        var level = IsDurable && IsPersistent != false ? Durability.Durable : Durability.Fast;
        var concern = (IsDurable, HasMajority) switch
        {
            (true, true) => "write concern majority, journaled; read concern majority",
            (true, false) => "write concern 1, journaled",
            _ => "write concern 1",
        };
        return new EngineDurability(level, $"{Kind}; {concern}", [.. Warnings()]);
    }

    private IEnumerable<string> Warnings()
    {
        if (!HasMajority) yield return "A standalone server holds the only copy: what its disk loses is lost.";
        if (!IsDurable
            && HasMajority) yield return "A failover may take acknowledged commits of the last moments, and their checkpoints may then "
            + "be given again.";
        if (IsPersistent == false) yield return "The server keeps its data in memory only: nothing survives its end.";
        if (IsPersistent is null) yield return "The server did not say whether its storage engine is persistent.";
    }

    // Asking needs a privilege that an application's user may lack. A sharded cluster's routers have no storage and do not say.
    private static async Task<bool?> AskPersistenceAsync(IMongoDatabase database, CancellationToken cancellationToken)
    {
        try
        {
            var status = await database.RunCommandAsync<BsonDocument>(new BsonDocument("serverStatus", 1), ReadPreference.Primary,
                cancellationToken).ConfigureAwait(false);
            return status.TryGetValue("storageEngine", out var engine) && engine is BsonDocument storage
                && storage.TryGetValue("persistent", out var persistent) ? persistent.ToBoolean() : null;
        }
        catch (MongoCommandException)
        {
            return null;
        }
    }
}
