using MongoDB.Bson;
using MongoDB.Driver;

namespace EventStore.Mongo.Tests;

/// <summary>Opening checks what keeps the store right, and says what to do where it is not there.</summary>
public sealed class SchemaTests : MongoTest
{
    [Theory]
    [InlineData("events.entries", "stream", "")]
    [InlineData("events.entries", "checkpoint", "")]
    [InlineData("events.entries", "term", "")]
    [InlineData("events.entries", "name", ", sparse: true")]
    [InlineData("events.entries", "commit", ", unique: true, sparse: true")]
    [InlineData("events.snapshots", "snapshot", ", unique: true, sparse: true")]
    public async Task A_missing_index_is_refused_with_the_call_that_makes_it(string collection, string index, string settings)
    {
        await OpenAsync();
        await Database.GetCollection<BsonDocument>(collection).Indexes.DropOneAsync(index);
        var refused = await Assert.ThrowsAsync<StorageException>(async () => await OpenAsync());
        Assert.Contains($"db.getCollection('{collection}').createIndex(", refused.Message, StringComparison.Ordinal);
        Assert.Contains($"name: '{index}'{settings} }}", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_index_of_that_name_over_other_fields_is_refused()
    {
        await OpenAsync();
        await Entries.Indexes.DropOneAsync("stream");
        await Entries.Indexes.CreateOneAsync(new CreateIndexModel<BsonDocument>(new BsonDocument { { "streams", 1 }, { "last", 1 } },
            new CreateIndexOptions { Name = "stream" }));
        Assert.Contains("'stream'", (await Assert.ThrowsAsync<StorageException>(async () => await OpenAsync())).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_index_of_that_name_that_is_there_before_the_store_is_refused_and_no_store_is_made()
    {
        await Entries.Indexes.CreateOneAsync(
            new CreateIndexModel<BsonDocument>(new BsonDocument("other", 1), new CreateIndexOptions { Name = "stream", Unique = true }));
        await Assert.ThrowsAsync<StorageException>(async () => await OpenAsync());
        await Assert.ThrowsAsync<StorageNotFoundException>(async () => await OpenAsync(mayCreate: false));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task A_store_of_another_version_is_refused_with_what_to_do(int version)
    {
        await OpenAsync();
        await Database.GetCollection<BsonDocument>("events.store")
            .UpdateOneAsync(new BsonDocument("_id", "format"), new BsonDocument("$set", new BsonDocument("version", version)));
        var refused = await Assert.ThrowsAsync<StorageException>(async () => await OpenAsync());
        Assert.Contains($"version {version}", refused.Message, StringComparison.Ordinal);
        Assert.Contains("MongoOptions.Name", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Documents_of_another_program_are_refused_and_left_alone()
    {
        await Entries.InsertOneAsync(new BsonDocument("_id", "mine"));
        Assert.Contains("MongoOptions.Name", (await Assert.ThrowsAsync<StorageException>(async () => await OpenAsync())).Message,
            StringComparison.Ordinal);
        Assert.Equal("mine", (await Entries.Find(new BsonDocument()).SingleAsync())["_id"]);
    }

    [Fact]
    public async Task A_collation_that_merges_names_is_refused()
    {
        await Database.CreateCollectionAsync("events.entries",
            new CreateCollectionOptions { Collation = new Collation("en", strength: CollationStrength.Secondary) });
        var options = (await (await Database.ListCollectionsAsync()).ToListAsync())
            .Single(collection => collection["name"] == "events.entries")["options"].AsBsonDocument;
        Assert.SkipUnless(options.Contains("collation"), "This server knows no collations.");
        await Assert.ThrowsAsync<StorageException>(async () => await OpenAsync());
    }

    [Fact]
    public async Task Ten_engines_make_one_store_at_once()
    {
        var opened = await Task.WhenAll(Enumerable.Range(0, 10)
            .Select(_ => Task.Run(async () => await Backend.OpenAsync(EngineContext.Default))));
        await Task.WhenAll(opened.Select(engine => Task.Run(async () => await engine.InitializeAsync())));
        for (var i = 0; i < opened.Length; i++) Assert.Equal(CommitOutcomeKind.Committed,
            (await CommitAsync(opened[i], Attempt("stream", expected: new Revision(i)))).Kind);
        foreach (var engine in opened) await engine.DisposeAsync();
    }
}
