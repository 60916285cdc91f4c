using System.Collections.Concurrent;
using System.Text;
using MongoDB.Bson;
using MongoDB.Driver;
using MongoDB.Driver.Core.Events;

namespace EventStore.Mongo.Tests;

/// <summary>
/// Criteria and conditions ask the index by terms: what they send begins with its fields and is sorted by them. That a server then uses the
/// index cannot be seen on one that keeps everything in memory.
/// </summary>
public sealed class TermTests : MongoTest
{
    private readonly ConcurrentQueue<BsonDocument> sent = new();
    private readonly ConcurrentQueue<long> returned = new();

    [Theory]
    [InlineData(50)]
    [InlineData(1_500)]
    public async Task A_page_by_category_or_tag_is_three_requests_whatever_is_stored(int others)
    {
        var engine = await OpenCountingAsync();
        await FillAsync(engine, others);
        foreach (var filter in (EventFilter[])
        [
            new() { Criteria = EventCriteria.Tagged("lone") }, new() { Criteria = new(new EventCriterion { Category = "few" }) },
            new() { Bucket = "default", Category = "few" },
        ])
        {
            foreach (var direction in Enum.GetValues<ReadDirection>())
            {
                var page = await ReadPageAsync(engine, filter, direction);
                Assert.Equal((3, true), (page.Events.Length, page.IsEnd));
                Assert.Equal(["find", "find", "find"], sent.Select(command => command.GetElement(0).Name));
                RequireIndexed(sent.Last());

                // Its entries, the end of the chain, and nothing that is going.
                Assert.Equal(4, returned.Sum());
            }
        }
    }

    [Fact]
    public async Task Several_terms_are_searched_by_the_rarest()
    {
        var engine = await OpenCountingAsync();
        await FillAsync(engine, 1_500);
        var filter = new EventFilter { Criteria = new(new EventCriterion { Category = "", Tags = ["often", "rare"] }) };
        Assert.Equal(2, (await ReadPageAsync(engine, filter, ReadDirection.Forward)).Events.Length);
        Assert.Equal(MongoTokens.TermOfTag("default", "rare"), sent.Last()["filter"]["terms"].AsInt64);
        RequireIndexed(sent.Last());

        // How many entries each has is known now: where the window ends is asked, and the entries are.
        await ReadPageAsync(engine, filter, ReadDirection.Backward);
        Assert.Equal(["find", "find", "find", "find"], sent.Select(command => command.GetElement(0).Name));
        Assert.Equal(3, returned.Sum());
    }

    [Fact]
    public async Task A_commit_with_a_condition_that_holds_is_one_search_and_then_the_insert_beside_the_look_at_the_end()
    {
        var engine = await OpenCountingAsync();
        await FillAsync(engine, 1_500);
        CommitAttempt Of(string tag) => new("stream", Guid.NewGuid(), Tagged("stream", tag).Events)
        {
            Condition = new AppendCondition(EventCriteria.Tagged(tag)),
        };
        await CommitAsync(engine, Of("first"));
        Clear();
        Assert.Equal(CommitOutcomeKind.Committed, (await CommitAsync(engine, Of("new"))).Kind);
        Assert.Equal(["find", "find", "insert"], sent.Select(command => command.GetElement(0).Name).Order());
        RequireIndexed(sent.Single(command => command.Contains("filter") && command["filter"].AsBsonDocument.Contains("terms")));
    }

    [Fact]
    public async Task A_page_that_has_to_leave_out_entries_looks_at_a_bounded_number_and_moves_on()
    {
        var engine = await OpenCountingAsync();
        await engine.CommitAsync([.. Enumerable.Range(0, 5_000).Select(i => Tagged($"many-{i % 7}", "often"))]);
        await CommitAsync(engine, Tagged("last", "often", "wanted"));
        var filter = new EventFilter { Criteria = EventCriteria.Tagged("often"), EventTypes = ["wanted"] };
        var page = await ReadPageAsync(engine, filter, ReadDirection.Forward);
        Assert.Equal((0, false), (page.Events.Length, page.IsEnd));
        Assert.InRange(page.Position.Value, 4_000, 4_999);
        page = await engine.ReadAllAsync(
            new StoreRead(filter, page.Position, Checkpoint.Max, ReadDirection.Forward, new PageLimit(100, long.MaxValue)));
        Assert.Equal((1, 5_001L, true), (page.Events.Length, page.Position.Value, page.IsEnd));
    }

    [Fact]
    public async Task Conditions_of_a_batch_that_goes_in_several_messages_see_what_the_earlier_ones_stored()
    {
        var engine = await OpenAsync();
        CommitAttempt Of(string stream, int size) => new(stream, Guid.NewGuid(),
            [new EventRecord(Guid.NewGuid(), "type", new byte[size], default, ["seat"])])
        {
            Condition = new AppendCondition(EventCriteria.Tagged("seat")),
        };
        var outcomes = await engine.CommitAsync([Of("a", 10 << 20), Attempt("b", body: new string('x', 13 << 20)), Of("c", 10 << 20)]);
        Assert.Equal(
            [CommitOutcomeKind.Committed, CommitOutcomeKind.Committed, CommitOutcomeKind.ConditionNotMet],
            outcomes.Select(outcome => outcome.Kind));
        Assert.Equal(1, outcomes[2].Checkpoint.Value);
    }

    [Fact]
    public async Task A_condition_is_decided_again_when_another_writer_was_faster()
    {
        var (first, second) = (await OpenAsync(), await OpenAsync());
        var condition = new AppendCondition(EventCriteria.Tagged("seat"));
        CommitAttempt Of(string stream) => new(stream, Guid.NewGuid(), Tagged(stream, "seat").Events) { Condition = condition };
        await CommitAsync(first, Attempt("a"));
        await CommitAsync(second, Attempt("b"));
        Assert.Equal(CommitOutcomeKind.Committed, (await CommitAsync(second, Of("b"))).Kind);

        // The first engine knows an older end; what it is refused by came after it.
        var refused = await CommitAsync(first, Of("a"));
        Assert.Equal((CommitOutcomeKind.ConditionNotMet, 3L), (refused.Kind, refused.Checkpoint.Value));
        Assert.Equal(3, (await ReadAllAsync(second)).Count);
    }

    private static CommitAttempt Tagged(StreamId stream, params string[] tags)
    {
        var type = tags[^1] == "wanted" ? "wanted" : "type";
        return new(stream, Guid.NewGuid(), [new EventRecord(Guid.NewGuid(), type, Encoding.UTF8.GetBytes("body"), default, tags)]);
    }

    private static async Task FillAsync(IPersistenceEngine engine, int others)
    {
        await engine.CommitAsync([.. Enumerable.Range(0, others / 2).Select(i => Tagged($"other-{i % 10}", "often"))]);
        foreach (var i in Enumerable.Range(0, 3)) await CommitAsync(engine, Tagged(new StreamId("default", "few", $"{i}"), "rare", "lone"));
        await engine.CommitAsync([.. Enumerable.Range(0, others / 2).Select(i => Tagged($"other-{i % 10}", "often"))]);
        if (others > 1_000) await engine.CommitAsync([Tagged("both", "often", "rare"), Tagged("both", "rare", "often")]);
    }

    // The index is over terms, last and _id: one term, a range of last, the order of last.
    private static void RequireIndexed(BsonDocument find)
    {
        var (filter, sort) = (find["filter"].AsBsonDocument, find["sort"].AsBsonDocument);
        Assert.True(filter["terms"].IsInt64);
        Assert.True(filter["last"].IsBsonDocument);
        Assert.Equal(["last", "_id"], sort.Names);
    }

    private async Task<StorePage> ReadPageAsync(IPersistenceEngine engine, EventFilter filter, ReadDirection direction)
    {
        Clear();
        return await engine.ReadAllAsync(
            new StoreRead(filter, Checkpoint.Origin, Checkpoint.Max, direction, new PageLimit(100, long.MaxValue)));
    }

    private void Clear()
    {
        sent.Clear();
        returned.Clear();
    }

    private async ValueTask<IPersistenceEngine> OpenCountingAsync()
    {
        var settings = MongoClientSettings.FromConnectionString(await Backend.GetAddressAsync());
        settings.ClusterConfigurator = cluster => cluster.Subscribe<CommandStartedEvent>(started =>
        {
            if (started.DatabaseNamespace.DatabaseName == Backend.Database) sent.Enqueue(started.Command.DeepClone().AsBsonDocument);
        }).Subscribe<CommandSucceededEvent>(succeeded =>
        {
            if (succeeded.CommandName == "find") returned.Enqueue(succeeded.Reply["cursor"]["firstBatch"].AsBsonArray.Count);
        });
        var database = new MongoClient(settings).GetDatabase(Backend.Database);
        return await InitializeAsync(new MongoPersistenceEngine(MongoPlace.Of(database, new MongoOptions()), EngineContext.Default));
    }
}
