using System.Text.Json;
using EventStore.TestServers;
using MongoDB.Bson;
using MongoDB.Driver;
using MongoDB.Driver.Core.Clusters;
using Spectre.Console;

namespace EventStore.Benchmarks;

/// <summary>The MongoDB engine beside the bare driver, which inserts the same documents one by one on the same server.</summary>
internal static class MongoBenchmarks
{
    private const int Streams = 1_000;
    private const int Committers = 64;
    private const int LoneCommits = 2_000;
    private const int SharedCommits = 10_000;
    private static readonly StreamId[] Names = [.. Enumerable.Range(0, Streams).Select(i => new StreamId("bench", "order", $"{i}"))];
    private static long lastKey;
    private static readonly byte[] Body = JsonSerializer.SerializeToUtf8Bytes(OrderPlaced.Sample, BenchmarkJson.Default.OrderPlaced);

    public static async Task RunAsync()
    {
        await using var server = await SharedServer.Mongo.GetAsync();
        var client = new MongoClient(server.Address);
        var database = client.GetDatabase($"eventstore-bench-{Guid.NewGuid():N}");
        await using var store = await Wireup.Init().UsingMongoPersistence(database).InitializeStorageEngine()
            .UsingJsonSerialization(BenchmarkJson.Default, types => types.Register<OrderPlaced>("order-placed")).BuildAsync();
        var concern = client.Cluster.Description.Type == ClusterType.Standalone ? WriteConcern.W1 : WriteConcern.WMajority;
        var bare = database.GetCollection<BsonDocument>("bare").WithWriteConcern(concern.With(journal: true));
        AnsiConsole.WriteLine(
            $"{server.Origin}; body {Body.Length} bytes, {Streams:N0} streams round robin; {store.Describe().Engine.Durability.Basis}");

        await new SideBySide("MongoDB, one committer", "commit")
            .Add("bare driver, InsertOne", () => AloneAsync(i => bare.InsertOneAsync(DocumentOf(i))))
            .Add("AppendAsync", () => AloneAsync(i => AppendAsync(store, i)))
            .RunAsync();
        await new SideBySide($"MongoDB, {Committers} committers", "commit")
            .Add("bare driver, InsertOne, one caller", () => AloneAsync(i => bare.InsertOneAsync(DocumentOf(i))))
            .Add($"bare driver, InsertOne, {Committers} callers", () => TogetherAsync(i => bare.InsertOneAsync(DocumentOf(i))))
            .Add("AppendAsync", () => TogetherAsync(i => AppendAsync(store, i)))
            .RunAsync();
        await client.DropDatabaseAsync(database.DatabaseNamespace.DatabaseName);
    }

    private static async Task AppendAsync(IEventStore store, int i) =>
        await store.AppendAsync(Names[i % Streams], ExpectedRevision.Any, [new EventMessage(OrderPlaced.Sample)]);

    private static async ValueTask<long> AloneAsync(Func<int, Task> commit)
    {
        for (var i = 0; i < LoneCommits; i++) await commit(i);
        return LoneCommits;
    }

    private static async ValueTask<long> TogetherAsync(Func<int, Task> commit)
    {
        await Task.WhenAll(Enumerable.Range(0, Committers).Select(async committer =>
        {
            for (var i = committer; i < SharedCommits; i += Committers) await commit(i);
        }));
        return SharedCommits;
    }

    private static BsonDocument DocumentOf(int i)
    {
        var stream = Names[i % Streams];
        var key = Interlocked.Increment(ref lastKey);
        var commit = new BsonDocument
        {
            { "bucket", stream.Bucket }, { "category", stream.Category }, { "id", stream.Id },
            { "start", (i % Streams) + 1L }, { "revision", (i / Streams) + 1L }, { "to", (i / Streams) + 1L },
            { "sequence", (i / Streams) + 1L }, { "events", new BsonArray { EventOf() } },
        };
        return new BsonDocument
        {
            { "_id", key }, { "last", key }, { "count", 1L }, { "stamp", 1_700_000_000_000_000L + i },
            { "commit", new BsonBinaryData(SequentialGuid.Next(), GuidRepresentation.Standard) },
            { "streams", new BsonArray { $"{stream.Bucket}\0{stream.Category}\0{stream.Id}" } },
            { "lives", new BsonArray { (i % Streams) + 1L } }, { "terms", new BsonArray { 1L } }, { "commits", new BsonArray { commit } },
        };
    }

    private static BsonDocument EventOf() => new()
    {
        { "id", new BsonBinaryData(SequentialGuid.Next(), GuidRepresentation.Standard) }, { "type", "order-placed" }, { "body", Body },
    };
}
