using EventStore.Conformance;
using MongoDB.Driver;

namespace EventStore.Mongo.Tests;

/// <summary>The verbs, the options, addresses, names beside one another, what was handed in.</summary>
public sealed class DoorTests : MongoTest
{
    [Fact]
    public async Task Stores_of_two_names_share_a_database_without_seeing_each_other()
    {
        var first = await InitializeAsync(await Backend.OpenAsync(EngineContext.Default, new MongoOptions { Name = "first" }));
        var second = await InitializeAsync(await Backend.OpenAsync(EngineContext.Default, new MongoOptions { Name = "second" }));
        await CommitAsync(first, Attempt("stream"));
        Assert.Null(await second.FindHeadAsync("stream"));
        Assert.NotNull(await first.FindHeadAsync("stream"));
    }

    [Fact]
    public async Task An_address_is_a_connection_string_and_what_is_stored_is_there_again()
    {
        for (var round = 0; round < 2; round++)
        {
            await using var store = await Wireup.Init()
                .UsingPersistence(await Backend.GetAddressAsync(),
                engines => engines.AddMongo(new MongoOptions { Database = Backend.Database, Durability = Durability.Fast }))
                .UsingJsonSerialization(types => types.Register<string>("text")).InitializeStorageEngine().BuildAsync();
            await store.AppendAsync("stream", $"round {round}");
            Assert.Equal(Durability.Fast, store.Describe().Engine.Durability.Level);
        }

        Assert.Equal(2, (await (await OpenAsync()).FindHeadAsync("stream"))!.Revision.Value);
    }

    [Fact]
    public async Task A_database_that_was_handed_in_stays_open()
    {
        await using (var store = await Wireup.Init().UsingMongoPersistence(Database)
            .UsingJsonSerialization(types => types.Register<string>("text")).InitializeStorageEngine().BuildAsync())
            await store.AppendAsync("stream", "text");
        Assert.Equal(1, await Entries.CountDocumentsAsync(new MongoDB.Bson.BsonDocument()));
    }

    [Fact]
    public async Task A_missing_store_is_made_only_where_it_may_be()
    {
        await Assert.ThrowsAsync<StorageNotFoundException>(async () => await OpenAsync(mayCreate: false));
        Assert.Empty(await (await Database.ListCollectionNamesAsync()).ToListAsync());
    }

    [Fact]
    public async Task A_store_that_is_only_read_is_not_made_and_nothing_in_it_is_changed()
    {
        var reading = EngineContext.Default with { IsReadOnly = true };
        await using var missing = await Backend.OpenAsync(reading);
        await Assert.ThrowsAsync<StorageNotFoundException>(async () => await missing.InitializeAsync());
        Assert.Empty(await (await Database.ListCollectionNamesAsync()).ToListAsync());

        var engine = await OpenAsync();
        await CommitAsync(engine, Attempt("stream"));
        var reader = await InitializeAsync(await Backend.OpenAsync(reading));
        await CommitAsync(engine, Attempt("stream"));
        Assert.Equal(2, (await ReadAllAsync(reader)).Count);
    }

    [Theory, InlineData(""), InlineData("Upper"), InlineData("a.b"), InlineData("$")]
    public void A_name_that_is_no_plain_name_is_refused(string name) =>
        Assert.Throws<InvalidOptionException>(() =>
            Wireup.Init().UsingMongoPersistence("mongodb://127.0.0.1", new MongoOptions { Name = name }));

    [Fact]
    public void Options_out_of_their_range_or_against_each_other_are_refused()
    {
        MongoOptions[] wrong =
        [
            new() { Database = "a/b" }, new() { CommandTimeout = TimeSpan.Zero }, new() { PollInterval = TimeSpan.FromHours(1) },
            new() { Durability = Durability.Fast, RequireDurable = true },
        ];
        Assert.All(wrong,
            options => Assert.Throws<InvalidOptionException>(() => Wireup.Init().UsingMongoPersistence("mongodb://127.0.0.1", options)));
    }

    [Fact]
    public void A_connection_string_that_cannot_be_read_is_refused_without_repeating_it()
    {
        var refused = Assert.Throws<WireupException>(() => Wireup.Init().UsingMongoPersistence("mongodb://user:pass:hidden@host/"));
        Assert.DoesNotContain("hidden", refused.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_row_of_the_readme_is_the_description()
    {
        var engine = await OpenAsync();
        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "EventStore.slnx"))) root = Path.GetDirectoryName(root)!;
        Assert.Contains(DescriptionTable.RowOf(engine.Description, "mongodb"),
            await File.ReadAllLinesAsync(Path.Combine(root, "README.md")));
    }
}
