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
        await engine.CommitAsync([new CommitAttempt(stream, commitId, [new EventRecord(eventId, "Type", "{}"u8.ToArray(), "{\"x.y\":\"z\"}"u8.ToArray())]) { Expected = ExpectedRevision.NoStream, Headers = "{\"a.b\":\"$c\"}"u8.ToArray() }]);

        var stored = await Entries.Find(new BsonDocument()).SingleAsync();
        Assert.Equal(["_id", "count", "stamp", "bucket", "category", "id", "start", "revision", "sequence", "commit", "headers", "events"],
            stored.Names);
        Assert.Equal((BsonType.Int64, BsonType.Int32, BsonType.Int64, BsonType.Int64),
            (stored["_id"].BsonType, stored["count"].BsonType, stored["stamp"].BsonType, stored["revision"].BsonType));
        Assert.Equal(("Bucket", "category", "Id.with$signs"),
            (stored["bucket"].AsString, stored["category"].AsString, stored["id"].AsString));
        Assert.Equal((BsonBinarySubType.UuidStandard, commitId),
            (stored["commit"].AsBsonBinaryData.SubType, stored["commit"].AsBsonBinaryData.ToGuid(GuidRepresentation.Standard)));
        var one = Assert.Single(stored["events"].AsBsonArray).AsBsonDocument;
        Assert.Equal(["id", "type", "body", "headers"], one.Names);
        Assert.Equal(("Type", BsonBinarySubType.UuidStandard, BsonBinarySubType.Binary),
            (one["type"].AsString, one["id"].AsBsonBinaryData.SubType, one["body"].AsBsonBinaryData.SubType));
    }

    [Fact]
    public async Task A_commit_of_fifteen_mebibytes_is_stored_and_a_larger_one_is_refused_before_anything_of_its_batch_is()
    {
        const int Limit = 15 << 20;
        var engine = await OpenAsync();
        CommitAttempt Of(int bytes) => new("stream", Guid.NewGuid(), ExpectedRevision.Any, default,
            [new EventRecord(Guid.NewGuid(), "type", new byte[bytes - "stream".Length])]);
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

        var shorter = new CommitAttempt("stream", Guid.NewGuid(), [.. events.Select(asked => new EventRecord(asked.EventId, "type", asked.Body))]);
        Assert.Equal(CommitOutcomeKind.Committed, (await CommitAsync(engine, shorter)).Kind);
        Assert.Equal(10_000, (await ReadAsync(engine, "stream")).Head.Value);
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
