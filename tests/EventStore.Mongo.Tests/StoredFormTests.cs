using MongoDB.Bson;
using MongoDB.Driver;

namespace EventStore.Mongo.Tests;

/// <summary>What is stored is as this engine writes it, whatever conventions and serializers the application registered.</summary>
public sealed class StoredFormTests : MongoTest
{
    [Fact]
    public async Task A_commit_is_one_document_of_plain_types_with_guids_in_the_standard_representation()
    {
        var engine = await OpenAsync();
        var stream = new StreamId("Bucket", "category", "Id.with$signs");
        var (commitId, eventId) = (Guid.NewGuid(), Guid.NewGuid());
        await engine.CommitAsync([new CommitAttempt(stream, commitId,
            [new EventRecord(eventId, "Type", "{}"u8.ToArray(), "{\"x.y\":\"z\"}"u8.ToArray(), ["tag.$x", "other"])])
        {
            Expected = ExpectedRevision.NoStream,
            Headers = "{\"a.b\":\"$c\"}"u8.ToArray(),
        }]);

        var stored = await Entries.Find(new BsonDocument()).SingleAsync();
        Assert.Equal(["_id", "last", "count", "stamp", "commit", "streams", "lives", "terms", "born", "commits"], stored.Names);
        foreach (var number in (string[])["_id", "last", "count", "stamp"]) Assert.Equal(BsonType.Int64, stored[number].BsonType);
        Assert.Equal((BsonBinarySubType.UuidStandard, commitId),
            (stored["commit"].AsBsonBinaryData.SubType, stored["commit"].AsBsonBinaryData.ToGuid(GuidRepresentation.Standard)));
        var member = Assert.Single(stored["commits"].AsBsonArray).AsBsonDocument;
        Assert.Equal(["bucket", "category", "id", "start", "revision", "to", "sequence", "headers", "events"], member.Names);
        Assert.Equal(("Bucket", "category", "Id.with$signs"),
            (member["bucket"].AsString, member["category"].AsString, member["id"].AsString));
        var one = Assert.Single(member["events"].AsBsonArray).AsBsonDocument;
        Assert.Equal(["id", "type", "body", "headers", "tags"], one.Names);
        Assert.Equal(("Type", BsonBinarySubType.UuidStandard, BsonBinarySubType.Binary),
            (one["type"].AsString, one["id"].AsBsonBinaryData.SubType, one["body"].AsBsonBinaryData.SubType));

        // What the indexes are over: a key of the stream, its start, and numbers of its category and tags.
        Assert.Equal("Bucket\0category\0Id.with$signs", Assert.Single(stored["streams"].AsBsonArray).AsString);
        Assert.Equal((1L, 3), (Assert.Single(stored["lives"].AsBsonArray).AsInt64, stored["terms"].AsBsonArray.Count));
    }

    [Fact]
    public async Task A_unit_is_one_document_and_what_is_removed_from_it_leaves_the_rest_in_place()
    {
        var engine = await OpenAsync();
        var id = Guid.NewGuid();
        CommitAttempt Of(string stream, int count) => new(stream, id, Attempt(stream, count, body: stream).Events);
        await CommitAsync(engine, new CommitAttempt("first", id, Of("first", 2).Events) { Rest = [Of("second", 300), Of("third", 1)] });
        var stored = await Entries.Find(new BsonDocument()).SingleAsync();
        Assert.Equal((1L, 303L, 303L), (stored["_id"].AsInt64, stored["last"].AsInt64, stored["count"].AsInt64));
        Assert.Equal(3, stored["commits"].AsBsonArray.Count);
        Assert.Equal(
            ["default\0\0first", "default\0\0second", "default\0\0second\01", "default\0\0third"],
            stored["streams"].AsBsonArray.Select(token => token.AsString));
        Assert.Equal(["first", "second", "third"], await ListAsync());

        await DeleteAsync(engine, "second");
        stored = await Entries.Find(new BsonDocument("_id", 1L)).SingleAsync();
        Assert.Equal(["revision", "to"], stored["commits"][1].AsBsonDocument.Names);
        Assert.Equal(["default\0\0first", "default\0\0third"], stored["streams"].AsBsonArray.Select(token => token.AsString));
        Assert.Single(stored["terms"].AsBsonArray);
        Assert.DoesNotContain("second", stored.ToJson(), StringComparison.Ordinal);
        Assert.Equal([1L, 2L, 303L], (await ReadAllAsync(engine)).Select(recorded => recorded.Checkpoint.Value));
        Assert.Equal(3, (await engine.FindCommitAsync("third", id))!.Unit.Size);
        Assert.Equal(["first", "third"], await ListAsync());
        Assert.True((await engine.VerifyAsync()).IsSound);

        foreach (var stream in (string[])["first", "third"]) await DeleteAsync(engine, stream);
        stored = await Entries.Find(new BsonDocument("_id", 1L)).SingleAsync();
        Assert.Equal(["_id", "last", "count", "stamp"], stored.Names);
        Assert.Equal(0, await Database.GetCollection<BsonDocument>("events.names").CountDocumentsAsync(new BsonDocument()));
        Assert.Equal(304, (await CommitAsync(engine, Attempt("first"))).Commit!.FirstCheckpoint.Value);
        Assert.True((await engine.VerifyAsync()).IsSound);

        async Task<IEnumerable<string>> ListAsync() =>
            (await engine.ListHeadsAsync(new HeadQuery(null, 0, null, 9))).Select(head => head.Stream.Id);
    }

    [Fact]
    public async Task A_commit_of_fifteen_mebibytes_is_stored_and_a_larger_one_is_refused_before_anything_of_its_batch_is()
    {
        const int Limit = 15 << 20;
        var engine = await OpenAsync();
        CommitAttempt Of(int bytes) =>
            new("stream", Guid.NewGuid(), [new EventRecord(Guid.NewGuid(), "type", new byte[bytes - "stream".Length])]);
        Assert.Equal(CommitOutcomeKind.Committed, (await CommitAsync(engine, Of(Limit))).Kind);
        await Assert.ThrowsAsync<TooLargeException>(async () => await engine.CommitAsync([Attempt("other"), Of(Limit + 1)]));
        Assert.Null(await engine.FindHeadAsync("other"));
        Assert.Equal(Limit - "stream".Length, (await ReadAsync(engine, "stream")).Events.Span[0].Record.Body.Length);
    }

    [Fact]
    public async Task A_commit_whose_names_make_it_larger_than_a_document_is_refused_too()
    {
        var engine = await OpenAsync();
        EventRecord[] events = [.. Enumerable.Range(0, 10_000)
            .Select(_ => new EventRecord(Guid.NewGuid(), new string('t', EventRecord.MaxTypeBytes), new byte[1_500]))];
        var attempt = new CommitAttempt("stream", Guid.NewGuid(), events);
        Assert.True(attempt.SizeBytes < engine.Description.Limits.MaxCommitBytes);
        await Assert.ThrowsAsync<TooLargeException>(async () => await engine.CommitAsync([attempt]));
        Assert.Equal(0, await Entries.CountDocumentsAsync(new BsonDocument()));

        var shorter = new CommitAttempt(
            "stream", Guid.NewGuid(), [.. events.Select(asked => new EventRecord(asked.EventId, "type", asked.Body))]);
        Assert.Equal(CommitOutcomeKind.Committed, (await CommitAsync(engine, shorter)).Kind);
        Assert.Equal(10_000, (await ReadAsync(engine, "stream")).State.Revision.Value);
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("a", "b")]
    [InlineData("dispatch/", "dispatch0")]
    [InlineData("\uD7FF", "\uE000")]
    [InlineData("a\U0010FFFF", "b")]
    [InlineData("\U0010FFFF\U0010FFFF", null)]
    public void The_names_of_a_prefix_end_before_the_next_one_by_code_point(string prefix, string? beyond) =>
        Assert.Equal(beyond, MongoDocuments.Beyond(prefix));
}
