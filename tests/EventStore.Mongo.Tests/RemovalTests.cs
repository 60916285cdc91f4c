using MongoDB.Bson;
using MongoDB.Driver;
using MongoDB.Driver.Core.Events;

namespace EventStore.Mongo.Tests;

/// <summary>
/// A removal holds for every reader from the moment its entry is in the chain, although the process that removed died before emptying
/// anything.
/// </summary>
public sealed class RemovalTests : MongoTest
{
    private static readonly StreamId Gone = new("bucket", "category", "gone");
    private static readonly StreamId Stays = new("other", "category", "gone");

    [Theory]
    [InlineData("stream", false)]
    [InlineData("stream", true)]
    [InlineData("bucket", false)]
    [InlineData("bucket", true)]
    [InlineData("store", false)]
    [InlineData("store", true)]
    public async Task What_was_removed_by_a_process_that_died_is_gone_from_every_read_and_for_every_writer(string what, bool isHalfEmptied)
    {
        var (engine, knowing) = (await OpenAsync(), await OpenAsync());
        var first = Attempt(Gone, 2);
        await CommitAsync(engine, first);
        for (var i = 0; i < 3; i++) await CommitAsync(engine, Attempt(Gone, 2));
        await CommitAsync(engine, Attempt(Stays));
        await CommitAsync(knowing, Attempt(Gone));
        await engine.SaveSnapshotAsync(new SnapshotRecord(Gone, new Revision(4), 0, "state", default));

        await RemoveAndDieAsync(what == "stream" ? MongoTarget.Of(Gone) : MongoTarget.Of(what == "bucket" ? Gone.Bucket : null),
            isHalfEmptied);
        var others = what == "store" ? 0 : 1;
        Assert.Equal((0, 0L, true), ((await ReadAsync(engine, Gone)).Events.Length, (await ReadAsync(engine, Gone)).State.Revision.Value,
            (await ReadAsync(engine, Gone)).IsEnd));
        Assert.Equal(others, (await ReadAllAsync(engine)).Count);
        Assert.Equal(others, (await ReadAllAsync(engine, ReadDirection.Backward)).Count);
        Assert.Null(await engine.FindHeadAsync(Gone));
        Assert.Equal(others, (await engine.ListHeadsAsync(new HeadQuery(null, 0, null, 10))).Count);
        Assert.Null(await engine.FindSnapshotAsync(Gone, Revision.Max));
        Assert.Equal(StreamChangeKind.Missing, (await engine.DeleteStreamAsync(Gone, StreamExpectation.Any)).Kind);

        // Nothing has been emptied yet; the stream is created again all the same, with a commit id that it had before.
        Assert.Equal(CommitOutcomeKind.Conflict, (await CommitAsync(knowing, Attempt(Gone, expected: ExpectedRevision.StreamExists))).Kind);
        Assert.Equal((CommitOutcomeKind.Committed, 1L),
            (await CommitAsync(knowing, first) is var again ? again.Kind : default, again.Commit!.FirstRevision.Value));
        Assert.Equal(2, (await ReadAsync(engine, Gone)).Events.Length);
        Assert.Equal(0, (await engine.FindHeadAsync(Gone))!.SnapshotRevision.Value);
        Assert.Equal(2 + others, (await ReadAllAsync(engine)).Count);

        // The next one to open finishes it.
        var next = await OpenAsync();
        Assert.Equal(0, await Entries.CountDocumentsAsync(new BsonDocument("commit", "removing")));
        Assert.Equal(1 + others, await Entries.CountDocumentsAsync(HasEvents));
        Assert.Equal(0, await Database.GetCollection<BsonDocument>("events.snapshots").CountDocumentsAsync(new BsonDocument()));
        Assert.Equal(2 + others, (await ReadAllAsync(next)).Count);
        Assert.True((await next.VerifyAsync()).IsSound);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_was_truncated_by_a_process_that_died_is_gone_from_every_read_and_for_every_condition(bool isHalfEmptied)
    {
        var engine = await OpenAsync();
        var id = Guid.NewGuid();
        CommitAttempt Of(StreamId stream, int count) => new(stream, id,
            [.. Enumerable.Range(0, count).Select(_ => new EventRecord(Guid.NewGuid(), "type", default, default, [$"{stream}-tag"]))]);
        for (var i = 0; i < 3; i++, id = Guid.NewGuid())
            await CommitAsync(engine, new CommitAttempt(Gone, id, Of(Gone, 3).Events) { Rest = [Of(Stays, 1)] });
        await engine.SaveSnapshotAsync(new SnapshotRecord(Gone, new Revision(2), 0, "state", default));
        await TruncateAndDieAsync(6, isHalfEmptied);

        var criteria = new EventCriteria(new EventCriterion { Bucket = Gone.Bucket, Tags = [$"{Gone}-tag"] });
        await ExpectAsync(engine);
        var condition = new AppendCondition(criteria);
        var refused = await CommitAsync(engine, new CommitAttempt("x", Guid.NewGuid(), Of("x", 1).Events) { Condition = condition });
        Assert.Equal((CommitOutcomeKind.ConditionNotMet, 7L), (refused.Kind, refused.Checkpoint.Value));
        condition = new AppendCondition(criteria, new Checkpoint(5));
        refused = await CommitAsync(engine, new CommitAttempt("x", Guid.NewGuid(), Of("x", 1).Events) { Condition = condition });
        Assert.Equal((CommitOutcomeKind.ConditionOutdated, 6L), (refused.Kind, refused.Checkpoint.Value));

        // The next one to open finishes it.
        var next = await OpenAsync();
        await ExpectAsync(next);
        Assert.Equal(0, await Entries.CountDocumentsAsync(new BsonDocument("commit", "removing")));
        var first = await Entries.Find(new BsonDocument("_id", 1L)).SingleAsync();
        Assert.False(first["commits"][0].AsBsonDocument.Contains("events"));
        Assert.Equal(0, await Database.GetCollection<BsonDocument>("events.snapshots").CountDocumentsAsync(new BsonDocument()));
        var report = await next.VerifyAsync();
        Assert.True(report.IsSound, string.Join("; ", report.Damages));
        Assert.Equal((6L, 7L), (report.CommitsChecked, report.EventsChecked));

        async Task ExpectAsync(IPersistenceEngine reader)
        {
            Assert.Equal([6L, 7L, 8L, 9L], (await ReadAsync(reader, Gone)).Events.ToArray().Select(recorded => recorded.Revision.Value));
            Assert.Equal([4L, 7L, 8L, 9L, 10L, 11L, 12L], (await ReadAllAsync(reader)).Select(recorded => recorded.Checkpoint.Value));
            Assert.Equal(6, (await reader.FindHeadAsync(Gone))!.FirstRevision.Value);
            Assert.Null(await reader.FindSnapshotAsync(Gone, Revision.Max));
            var page = await reader.ReadAllAsync(new StoreRead(new EventFilter { Criteria = criteria }, Checkpoint.Origin, Checkpoint.Max,
                ReadDirection.Backward, new PageLimit(100, long.MaxValue)));
            Assert.Equal([9L, 8L, 7L, 6L], page.Events.ToArray().Select(recorded => recorded.Revision.Value));
        }
    }

    [Fact]
    public async Task What_was_removed_leaves_nothing_of_its_names_and_payloads()
    {
        var engine = await OpenAsync();
        await CommitAsync(engine, Attempt(Gone, 2, body: "secret"));
        await DeleteAsync(engine, Gone);
        string[] kept = ["_id", "last", "count", "stamp", "removed"];
        foreach (var left in await Entries.Find(new BsonDocument()).ToListAsync())
            Assert.Equal(kept[..left.ElementCount], left.Names);
    }

    [Fact(Timeout = 120_000)]
    public async Task Opening_waits_for_emptying_no_longer_than_a_request_may_take_and_the_next_one_goes_on()
    {
        var engine = await OpenAsync();
        for (var i = 0; i < 3; i++) await engine.CommitAsync([.. Enumerable.Range(0, 500).Select(_ => Attempt(Gone))]);
        await RemoveAndDieAsync(MongoTarget.Of(Gone), isHalfEmptied: false);

        // The first step or two of three take the time that there is.
        using var never = new ManualResetEventSlim();
        var settings = MongoClientSettings.FromConnectionString(await Backend.GetAddressAsync());
        settings.ClusterConfigurator = cluster => cluster.Subscribe<CommandSucceededEvent>(succeeded =>
        {
            if (succeeded.CommandName == "update") never.Wait(TimeSpan.FromMilliseconds(1_200));
        });
        var place = MongoPlace.Of(new MongoClient(settings).GetDatabase(Backend.Database),
            new MongoOptions { CommandTimeout = TimeSpan.FromSeconds(2) });
        var opened = await InitializeAsync(new MongoPersistenceEngine(place, EngineContext.Default));
        Assert.InRange(await Entries.CountDocumentsAsync(HasEvents), 500, 1000);
        Assert.Empty(await ReadAllAsync(opened));
        Assert.Null(await opened.FindHeadAsync(Gone));

        await OpenAsync();
        Assert.Equal(0, await Entries.CountDocumentsAsync(HasEvents));
        Assert.Equal(0, await Entries.CountDocumentsAsync(new BsonDocument("commit", "removing")));
    }

    private async Task TruncateAndDieAsync(long first, bool isHalfEmptied)
    {
        var options = new MongoOptions();
        var connection = new MongoConnection(Database, await MongoDeployment.DetectAsync(Database, options, default), options);
        await using var signal = new MongoWakeUp(connection, TimeProvider.System);
        var heads = new MongoHeads(connection);
        var commits = new MongoWriter(connection, heads, signal, TimeProvider.System);
        var head = await heads.FindAsync(Gone, default);
        var removed = (await heads.FindCheckpointAsync(Gone, head, first - 1, default))!.Value;
        await commits.ChangeAsync<bool>(end => Task.FromResult(
            new MongoDecision<bool>(true, MongoChange.ToTruncation(end, Gone, head, (first, removed)))), default);
        if (!isHalfEmptied) return;
        await Entries.UpdateOneAsync(new BsonDocument("_id", 1L), new BsonDocument
        {
            { "$set", new BsonDocument("commits.0.from", 4L) }, { "$unset", new BsonDocument("commits.0.events", "") },
            {
                "$pullAll", new BsonDocument("terms", new BsonArray
                {
                    MongoTokens.TermOfTag(Gone.Bucket, $"{Gone}-tag"), MongoTokens.TermOfCategory(Gone.Bucket, Gone.Category),
                })
            },
        });
    }

    // Does what the engine does first, and no more.
    private async Task RemoveAndDieAsync(MongoTarget target, bool isHalfEmptied)
    {
        var options = new MongoOptions();
        var connection = new MongoConnection(Database, await MongoDeployment.DetectAsync(Database, options, default), options);
        await using var signal = new MongoWakeUp(connection, TimeProvider.System);
        var commits = new MongoWriter(connection, new MongoHeads(connection), signal, TimeProvider.System);
        await commits.ChangeAsync<bool>(end => Task.FromResult(
            new MongoDecision<bool>(true, MongoChange.ToRemoval(end, target, end.Last))), default);
        if (!isHalfEmptied) return;
        var some = target.ToEntryFilter();
        some["_id"] = new BsonDocument("$in", new BsonArray { 1L, 2L, 6L });
        await Entries.UpdateManyAsync(some, MongoEmptying.Empty);
    }
}
