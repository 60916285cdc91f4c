using System.Globalization;
using EventStore.TestSupport;
using MongoDB.Bson;
using MongoDB.Driver;

namespace EventStore.Mongo.Tests;

/// <summary>
/// Documents that another client changed. Every member returns something that a caller can hold, or throws an exception of the contract,
/// in time and memory.
/// </summary>
[Collection(nameof(MutationTests))]
public sealed class MutationTests : IAsyncLifetime
{
    private const long MostBytes = 256 << 20;
    private const int CasesBetweenChecks = 50;
    private static readonly string[] Collections = ["entries", "snapshots", "documents", "names", "store"];

    // What is left of the commits beside those of the calls.
    private const int OtherEvents = 3;
    private readonly MongoBackend backend = new();
    private readonly Dictionary<string, List<BsonDocument>> kept = [];
    private IMongoDatabase? database;
    private readonly EngineCalls calls = new(Token);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private IMongoDatabase Database => database ?? throw new InvalidOperationException("The server is not started yet.");

    public async ValueTask InitializeAsync() => database = await backend.GetDatabaseAsync();

    public ValueTask DisposeAsync() => backend.DisposeAsync();

    [Theory(Timeout = 10_000_000)]
    [InlineData("entries", "_id", long.MaxValue)]
    [InlineData("entries", "last", -5L)]
    [InlineData("entries", "count", -5L)]
    [InlineData("entries", "count", "text")]
    [InlineData("entries", "stamp", long.MaxValue)]
    [InlineData("entries", "commits.0.id", "")]
    [InlineData("entries", "commits.0.start", 1.5)]
    [InlineData("entries", "commits.0.revision", long.MaxValue)]
    [InlineData("entries", "commits.0.to", 7.0)]
    [InlineData("entries", "commits.0.first", 0L)]
    [InlineData("entries", "commits.0.from", long.MaxValue)]
    [InlineData("entries", "commits.0.events.0.tags", "text")]
    [InlineData("entries", "removed", -1L)]
    [InlineData("entries", "holder", 5L)]
    [InlineData("entries", "commits.0.sequence", -1L)]
    [InlineData("snapshots", "revision", -1L)]
    [InlineData("snapshots", "revision", 3.0)]
    [InlineData("snapshots", "start", "text")]
    [InlineData("documents", "version", -1L)]
    public async Task A_value_that_no_store_writes_is_reported_as_damage(string collection, string field, object value)
    {
        await FillAsync(isRemoving: false);
        await using var engine = Engine();
        await engine.InitializeAsync(Token);
        await ChangeNewestAsync(collection, document => Set(document, field, BsonValue.Create(value)));
        var found = 0;
        foreach (var (_, call) in calls.Readers)
        {
            try
            {
                await call(engine);
            }
            catch (CorruptStorageException)
            {
                found++;
            }
        }

        Assert.NotEqual(0, found);
        Assert.False((await engine.VerifyAsync(null, Token)).IsSound);
    }

    [Fact(Timeout = 10_000_000)]
    public async Task A_field_of_any_collection_that_is_missing_or_of_another_type_is_found_by_verifying()
    {
        await FillAsync(isRemoving: false);
        await using var engine = Engine();
        await engine.InitializeAsync(Token);
        var checkedFields = 0;
        foreach (var collection in Collections)
        {
            foreach (var field in kept[collection][^1].Names.ToArray())
            {
                foreach (var other in (BsonValue?[])[null, "text", 7L, 7, 7.5, -1L, new BsonArray { 1 }, new BsonDocument("a", 1), true])
                {
                    if (field == "_id" && other is null or BsonArray) continue; // no document can have these as its key
                    if (await ChangeNewestAsync(collection, document => Change(document, field, other)) is not { } change) continue;
                    var report = await engine.VerifyAsync(null, Token);
                    Assert.False(report.IsSound, $"{collection}: {change}");
                    Assert.All(report.Damages, damage => Assert.NotEqual("", damage.Advice));
                    checkedFields++;
                    await RestoreAsync();
                }
            }
        }

        Assert.True(checkedFields > 100, $"only {checkedFields} changes were checked");
        await calls.RequireWholeAsync(Engine(), others: OtherEvents);
    }

    [Fact(Timeout = 10_000_000)]
    public async Task A_field_of_an_event_that_is_missing_or_of_another_type_is_found_by_verifying()
    {
        await FillAsync(isRemoving: false);
        await using var engine = Engine();
        await engine.InitializeAsync(Token);
        foreach (var field in kept["entries"][^1]["commits"][0]["events"][0].AsBsonDocument.Names.ToArray())
        {
            foreach (var other in (BsonValue?[])[null, "", 7L, new BsonArray { 1 }, BsonNull.Value])
            {
                if (field == "headers" && other is null) continue; // as they are left out where there are none
                var isSet = other is BsonString or BsonArray; // an empty text is no type of an event either, and a number no tag
                await ChangeNewestAsync("entries", document => isSet
                    ? document["commits"][0]["events"][0][field] = other
                    : Change(document["commits"][0]["events"][0].AsBsonDocument, field, other));
                Assert.False((await engine.VerifyAsync(null, Token)).IsSound, $"{field}: {other}");
                await RestoreAsync();
            }
        }
    }

    [Fact(Timeout = 10_000_000)]
    public async Task A_checkpoint_that_no_store_reaches_is_refused_before_anything_is_written()
    {
        await FillAsync(isRemoving: false);
        await ChangeNewestAsync("entries", document => document["last"] = document["_id"] = MongoRows.MostNumber);
        await using var engine = Engine();
        await engine.InitializeAsync(Token);
        var entries = Database.GetCollection<BsonDocument>("events.entries");
        var before = await entries.CountDocumentsAsync(new BsonDocument(), null, Token);
        foreach (var (name, write) in calls.Writers.Where(call => call.Name is "commit" or "delete stream" or "purge"))
        {
            var refused = await Record.ExceptionAsync(() => write(engine));
            Assert.True(refused is CorruptStorageException, $"{name}: {refused}");
        }

        Assert.Equal(before, await entries.CountDocumentsAsync(new BsonDocument(), null, Token));
    }

    [Fact]
    public void A_view_in_the_place_of_a_collection_is_refused()
    {
        var view = new BsonDocument { { "name", "events.entries" }, { "type", "view" }, { "options", new BsonDocument("viewOn", "x") } };
        Assert.False(MongoSchema.IsPlain(view));
        Assert.True(MongoSchema.IsPlain(new BsonDocument { { "name", "events.entries" }, { "type", "collection" } }));
    }

    [Theory(Timeout = 10_000_000)]
    [InlineData(false, 600)]
    [InlineData(true, 150)]
    public async Task A_document_that_was_changed_is_read_or_refused_in_time_and_memory(bool isRemoving, int usualCases)
    {
        await FillAsync(isRemoving);
        var run = new MutationRun(usualCases, usualCases * 50, MostBytes);
        await run.RunAsync(
            async (seed, random) =>
            {
                await RestoreAsync();
                if (!isRemoving && seed % CasesBetweenChecks == 0) await calls.RequireWholeAsync(Engine(), others: OtherEvents);
                var mutator = new DocumentMutator(Database, random);
                if (await mutator.MutateAsync() is not { } change) return null;
                return $"{change}{(random.Next(4) == 0 ? ", " + await mutator.MutateAsync() : "")}";
            },
            async random =>
            {
                var writers = calls.Writers;
                random.Shuffle(writers);
                await run.UseAsync(Engine(), calls.Readers, IsRefusal);

                // A place of the chain that a wrong document holds looks like other writers that are always faster.
                await run.UseAsync(Engine(timeoutSeconds: 1), writers, error => error is StorageUnavailableException || IsRefusal(error));
            });
    }

    private static bool IsRefusal(EventStoreException error) =>
        error is not (BatchOutcomeUnknownException or StorageUnavailableException);

    // Null where nothing is changed: another value of the same type may be a sound one.
    private static string? Change(BsonDocument document, string field, BsonValue? other)
    {
        if (other is null && field == "headers") return null; // they are left out where there are none
        if (other is not null && document[field].BsonType == other.BsonType) return null;
        if (other is null) document.Remove(field);
        else document[field] = other;
        return $"{field} = {other?.ToString() ?? "nothing"}";
    }

    private async Task<string?> ChangeNewestAsync(string collection, Func<BsonDocument, object?> change)
    {
        var all = Database.GetCollection<BsonDocument>($"events.{collection}");
        var newest = await all.Find(new BsonDocument()).Sort(new BsonDocument("_id", -1)).FirstAsync(Token);
        var before = (BsonDocument)newest.DeepClone();
        if (change(newest) is not { } done) return null;
        await all.DeleteOneAsync(new BsonDocument("_id", before["_id"]), Token);
        try
        {
            await all.InsertOneAsync(newest, null, Token);
            return done.ToString();
        }
        catch (MongoWriteException)
        {
            // A unique index keeps others from it, too.
            await all.InsertOneAsync(before, null, Token);
            return null;
        }
    }

    private MongoPersistenceEngine Engine(double timeoutSeconds = 20) =>
        new(MongoPlace.Of(Database, new MongoOptions { CommandTimeout = TimeSpan.FromSeconds(timeoutSeconds) }), EngineContext.Default);

    private async Task RestoreAsync()
    {
        foreach (var name in Collections)
        {
            var collection = Database.GetCollection<BsonDocument>($"events.{name}");
            await collection.DeleteManyAsync(new BsonDocument(), Token);
            if (kept[name].Count > 0) await collection.InsertManyAsync(kept[name], null, Token);
        }
    }

    // Commits of one and of several events, a stream that was deleted, a purge; and a removal that is going on.
    private async Task FillAsync(bool isRemoving)
    {
        await using var engine = Engine();
        await engine.InitializeAsync(Token);
        await engine.CommitAsync(
            [EngineCalls.Attempt(new StreamId("purged", "", "1"), events: 2), EngineCalls.Attempt("deleted")], Token);
        await engine.PurgeBucketAsync("purged", Token);
        await engine.DeleteStreamAsync("deleted", StreamExpectation.Any, Token);
        await engine.CommitAsync([Unit("three-0", "three-1", "three-2"), Conditional("free")], Token);
        await engine.DeleteStreamAsync("three-2", StreamExpectation.Any, Token);
        await engine.HoldAsync("import", Token);
        await engine.SkipCheckpointsAsync(new Checkpoint(100), Token);
        await engine.ReleaseAsync("import", Token);
        await calls.FillAsync(engine);
        await engine.TruncateStreamAsync("stream-1", new Revision(2), StreamExpectation.Any, Token);
        await engine.CommitAsync([EngineCalls.Attempt("three-1")], Token);
        var entries = Database.GetCollection<BsonDocument>("events.entries");
        var newest = await entries.Find(new BsonDocument()).Sort(new BsonDocument("_id", -1)).FirstAsync(Token);
        if (isRemoving)
        {
            var end = MongoEnd.Of(MongoEntry.Of(newest));
            await entries.InsertOneAsync(MongoChange.ToRemoval(end, MongoTarget.Of("stream-1"), 1), null, Token);
        }

        foreach (var name in Collections)
            kept[name] = await Database.GetCollection<BsonDocument>($"events.{name}").Find(new BsonDocument()).ToListAsync(Token);
    }

    private static CommitAttempt Unit(params string[] streams)
    {
        var members = streams.Select(stream => EngineCalls.Attempt(stream)).ToList();
        return new CommitAttempt(members[0].Stream, members[0].CommitId, members[0].Events)
        {
            Rest = [.. members.Skip(1).Select(member => new CommitAttempt(member.Stream, members[0].CommitId, member.Events))],
        };
    }

    private static CommitAttempt Conditional(string tag) => new("conditional", Guid.NewGuid(), EngineCalls.Attempt("conditional").Events)
    {
        Condition = new AppendCondition(EventCriteria.Tagged(tag)),
    };

    private static BsonValue Set(BsonDocument document, string path, BsonValue value)
    {
        var steps = path.Split('.');
        BsonValue place = document;
        foreach (var step in steps[..^1]) place = int.TryParse(step, CultureInfo.InvariantCulture, out var at) ? place[at] : place[step];
        return place[steps[^1]] = value;
    }
}

/// <summary>Nothing else runs beside it, so that what is allocated is its own.</summary>
[CollectionDefinition(nameof(MutationTests), DisableParallelization = true)]
public sealed class MutationCollection;
