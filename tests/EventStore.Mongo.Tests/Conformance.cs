using EventStore.Conformance;
using EventStore.TestServers;
using MongoDB.Bson;
using MongoDB.Driver;

[assembly: AssemblyFixture(typeof(EventStore.Mongo.Tests.ServerOfTheRun))]

namespace EventStore.Mongo.Tests;

/// <summary>A store in a database of its own on the server that all tests share; durable, as it comes.</summary>
public sealed class MongoBackend : IRestorableBackend
{
    private readonly Dictionary<string, List<BsonDocument>> kept = [];
    private ITestServer? server;

    public async ValueTask BackupAsync()
    {
        var database = await GetDatabaseAsync();
        foreach (var name in await (await database.ListCollectionNamesAsync()).ToListAsync())
            kept[name] = await database.GetCollection<BsonDocument>(name).Find(new BsonDocument()).ToListAsync();
    }

    public async ValueTask RestoreAsync()
    {
        var database = await GetDatabaseAsync();
        foreach (var (name, documents) in kept)
        {
            await database.GetCollection<BsonDocument>(name).DeleteManyAsync(new BsonDocument());
            if (documents.Count > 0) await database.GetCollection<BsonDocument>(name).InsertManyAsync(documents);
        }
    }

    /// <summary>The database, which goes with the backend.</summary>
    public string Database { get; } = $"eventstore-test-{Guid.NewGuid():N}";

    public async ValueTask<IPersistenceEngine> OpenAsync(EngineContext context) => await OpenAsync(context, new MongoOptions());

    internal async ValueTask<MongoPersistenceEngine> OpenAsync(EngineContext context, MongoOptions options)
    {
        options.Database = Database;
        return new MongoPersistenceEngine(MongoPlace.Parse(await GetAddressAsync(), options), context);
    }

    /// <summary>The database by a client of the driver's, to look at what is stored and to damage it.</summary>
    public async ValueTask<IMongoDatabase> GetDatabaseAsync() => new MongoClient(await GetAddressAsync()).GetDatabase(Database);

    public async ValueTask<string> GetAddressAsync() => (server ??= await SharedServer.Mongo.GetAsync()).Address;

    public async ValueTask DisposeAsync()
    {
        if (server is not null) await (await GetDatabaseAsync()).Client.DropDatabaseAsync(Database);
    }
}

/// <summary>Ends the server, if it was started for these tests.</summary>
public sealed class ServerOfTheRun : IAsyncDisposable
{
    public ValueTask DisposeAsync() => SharedServer.Mongo.DisposeAsync();
}

public sealed class Completeness : CompletenessSpecification<MongoBackend>;

public sealed class Commits : CommitSpecification<MongoBackend>;

public sealed class Concurrency : ConcurrencySpecification<MongoBackend>;

public sealed class Consumers : ConsumerSpecification<MongoBackend>;

public sealed class ConsumerDeliveries : ConsumerDeliverySpecification<MongoBackend>;

public sealed class ConsumerStates : ConsumerStateSpecification<MongoBackend>;

public sealed class ConsumerLives : ConsumerLifeSpecification<MongoBackend>;

public sealed class Outages : OutageSpecification<MongoBackend>;

public sealed class ConsumerStarts : ConsumerStartSpecification<MongoBackend>;

public sealed class SetBacks : SetBackSpecification<MongoBackend>;

public sealed class DeliveryModels : DeliveryModelSpecification<MongoBackend>;

public sealed class ReadStreams : ReadStreamSpecification<MongoBackend>;

public sealed class Protection : ProtectionSpecification<MongoBackend>;

public sealed class Deletion : DeletionSpecification<MongoBackend>;

public sealed class Dispatching : DispatchSpecification<MongoBackend>;

public sealed class DispatchLeases : DispatchLeaseSpecification<MongoBackend>;

public sealed class Documents : DocumentSpecification<MongoBackend>;

public sealed class Filters : FilterSpecification<MongoBackend>;

public sealed class Heads : HeadSpecification<MongoBackend>;

public sealed class Identity : IdentitySpecification<MongoBackend>;

public sealed class Lifecycle : LifecycleSpecification<MongoBackend>;

public sealed class Model : ModelSpecification<MongoBackend>;

public sealed class Payloads : PayloadSpecification<MongoBackend>;

public sealed class Pipelines : PipelineSpecification<MongoBackend>;

public sealed class Reading : ReadingSpecification<MongoBackend>;

public sealed class Snapshots : SnapshotSpecification<MongoBackend>;

public sealed class Streams : StreamSpecification<MongoBackend>;

public sealed class ReadOnly : ReadOnlySpecification<MongoBackend>;

public sealed class Tags : TagSpecification<MongoBackend>;

public sealed class Decisions : DecisionSpecification<MongoBackend>;

public sealed class AppendConditions : ConditionSpecification<MongoBackend>;

public sealed class Units : UnitSpecification<MongoBackend>;

public sealed class Truncation : TruncationSpecification<MongoBackend>;

public sealed class StreamLives : StreamLifeSpecification<MongoBackend>;

public sealed class Imports : ImportSpecification<MongoBackend>;

public sealed class Importing : ImportingSpecification<MongoBackend>;

public sealed class Mirrors : MirrorSpecification<MongoBackend>;
