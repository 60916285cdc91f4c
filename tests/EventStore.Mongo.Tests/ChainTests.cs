using MongoDB.Bson;
using MongoDB.Driver;

namespace EventStore.Mongo.Tests;

/// <summary>
/// The chain has no holes and no overlaps, and no writer takes a key again: what docs/decisions/0007-mongodb-chain.md argues, seen at its
/// edges.
/// </summary>
public sealed class ChainTests : MongoTest
{
    [Fact]
    public async Task A_writer_that_slept_while_larger_commits_came_goes_on_after_them()
    {
        var (sleeper, other) = (await OpenAsync(), await OpenAsync());
        await CommitAsync(sleeper, Attempt("a", 3));
        await CommitAsync(other, Attempt("b", 5));
        await CommitAsync(other, Attempt("b", 1));
        var late = (await CommitAsync(sleeper, Attempt("a", 2))).Commit!;
        Assert.Equal((10, 11), (late.FirstCheckpoint.Value, late.LastCheckpoint.Value));
        Assert.Equal(Enumerable.Range(1, 11), (await ReadAllAsync(other)).Select(recorded => (int)recorded.Checkpoint.Value));
    }

    [Fact]
    public async Task A_writer_that_slept_while_what_came_was_deleted_takes_no_checkpoint_of_it()
    {
        var (sleeper, other) = (await OpenAsync(), await OpenAsync());
        await CommitAsync(sleeper, Attempt("a"));
        var gone = (await CommitAsync(other, Attempt("b", 4))).Commit!;
        await DeleteAsync(other, "b");
        await CommitAsync(other, Attempt("c"));
        await other.PurgeBucketAsync(StreamId.DefaultBucket);
        var late = (await CommitAsync(sleeper, Attempt("a", 2))).Commit!;
        Assert.True(late.FirstCheckpoint > gone.LastCheckpoint);
        Assert.Equal((1, 1), (late.FirstRevision.Value, late.Sequence.Value));
        Assert.True((await other.VerifyAsync()).IsSound);
    }

    [Fact]
    public async Task A_batch_that_meets_others_in_its_middle_keeps_what_was_stored_and_decides_the_rest_again()
    {
        var (first, second) = (await OpenAsync(), await OpenAsync());
        await CommitAsync(first, Attempt("a"));
        await CommitAsync(second, Attempt("b"));
        var repeated = Attempt("b");
        await CommitAsync(second, repeated);
        await CommitAsync(second, Attempt("a"));

        // The first engine knows nothing of the last three; b at revision 2, a at 2.
        var outcomes = await first.CommitAsync([Attempt("c", 2), repeated, Attempt("a", expected: new Revision(1)),
            Attempt("a", expected: new Revision(2)), Attempt("c", expected: new Revision(2))]);
        Assert.Equal(
            [CommitOutcomeKind.Committed, CommitOutcomeKind.Duplicate, CommitOutcomeKind.Conflict, CommitOutcomeKind.Committed,
            CommitOutcomeKind.Committed], outcomes.Select(outcome => outcome.Kind));
        Assert.Equal((2, 2), (outcomes[1].Commit!.FirstRevision.Value, outcomes[2].Actual.Revision.Value));
        Assert.Equal(Enumerable.Range(1, 8), (await ReadAllAsync(first)).Select(recorded => (int)recorded.Checkpoint.Value));
        Assert.True((await first.VerifyAsync()).IsSound);
    }

    [Fact]
    public async Task A_repeated_commit_is_a_duplicate_also_where_the_stream_was_never_seen_by_this_engine()
    {
        var (first, second) = (await OpenAsync(), await OpenAsync());
        var attempt = Attempt("a", 3);
        var original = (await CommitAsync(first, attempt)).Commit!;
        for (var i = 0; i < 5; i++) await CommitAsync(first, Attempt("a"));
        var again = await CommitAsync(second, attempt);
        Assert.Equal((CommitOutcomeKind.Duplicate, original.FirstCheckpoint), (again.Kind, again.Commit!.FirstCheckpoint));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_entry_that_another_one_of_the_same_numbers_replaced_is_noticed_and_nothing_is_stored(bool isRefused)
    {
        var engine = await OpenAsync();
        await CommitAsync(engine, Attempt("before"));
        var lost = (await CommitAsync(engine, Attempt("a", 2))).Commit!;

        // As a failover may leave it without a majority: the entry was taken back, and another entry had its place.
        var other = Attempt("b", 2);
        var replacing = new CommitRecord("b", other.CommitId, new CommitSequence(1), lost.Stamp.AddMilliseconds(1), new Revision(1),
            lost.FirstCheckpoint, 2, default);
        var before = new MongoEnd(1, 1, replacing.Stamp, 0, null);
        await Entries.ReplaceOneAsync(new BsonDocument("_id", 2L),
            MongoCommits.ToDocument(before, [new MongoAppend(other, replacing, lost.FirstCheckpoint.Value, 1)]));

        // A refusal looks at the end before it is believed; a commit looks at it while it is sent.
        var attempt = Attempt("a", expected: isRefused ? ExpectedRevision.NoStream : ExpectedRevision.Any);
        await Assert.ThrowsAsync<StorageReplacedException>(async () => await CommitAsync(engine, attempt));
        await Assert.ThrowsAsync<StorageReplacedException>(async () => await engine.FindHeadAsync("b"));
        var opened = await OpenAsync();
        Assert.Equal(["before", "b", "b"], (await ReadAllAsync(opened)).Select(recorded => recorded.Commit.Stream.Id));
        Assert.Equal(CommitOutcomeKind.Duplicate, (await CommitAsync(opened, other)).Kind);
        var report = await opened.VerifyAsync();
        Assert.True(report.IsSound, string.Join("; ", report.Damages));
    }

    [Theory]
    [InlineData("commit")]
    [InlineData("batch")]
    [InlineData("deletion")]
    [InlineData("purge")]
    public async Task What_is_written_behind_a_lost_end_is_taken_back_and_the_error_says_so(string kind)
    {
        var (engine, other) = (await OpenAsync(), await OpenAsync());
        for (var i = 0; i < 3; i++) await CommitAsync(engine, Attempt("a", 2));
        await Entries.DeleteOneAsync(new BsonDocument("_id", 3L));

        var lost = await Assert.ThrowsAsync<StorageReplacedException>(async () => await (kind switch
        {
            "commit" => CommitAsync(engine, Attempt("a")).AsTask(),
            "batch" => engine.CommitAsync([.. Enumerable.Range(0, 5).Select(_ => Attempt("a"))]).AsTask(),
            "deletion" => DeleteAsync(engine, "a").AsTask(),
            _ => engine.PurgeBucketAsync(StreamId.DefaultBucket).AsTask(),
        }));
        Assert.Contains("checkpoint", lost.Message, StringComparison.Ordinal);
        Assert.Equal(4, (await ReadAllAsync(other)).Count);
        Assert.Equal(5, (await CommitAsync(other, Attempt("a"))).Commit!.FirstCheckpoint.Value);
        Assert.True((await other.VerifyAsync()).IsSound);
    }

    [Theory]
    [InlineData("hole")]
    [InlineData("events")]
    [InlineData("revision")]
    [InlineData("type")]
    [InlineData("streams")]
    [InlineData("lives")]
    [InlineData("terms")]
    [InlineData("from")]
    [InlineData("removed")]
    [InlineData("last")]
    public async Task Damage_is_found_with_its_place(string damage)
    {
        var engine = await OpenAsync();
        for (var i = 0; i < 5; i++) await CommitAsync(engine, Attempt("a", 2));
        Assert.True((await engine.VerifyAsync()).IsSound);

        var third = new BsonDocument("_id", 3L);
        if (damage == "hole") await Entries.DeleteOneAsync(third);
        if (damage == "events") await SetAsync(new("commits.0.events", new BsonArray()));
        if (damage == "revision") await SetAsync(new() { { "commits.0.revision", 77L }, { "commits.0.to", 78L } });
        if (damage == "type") await SetAsync(new("commit", "text"));
        if (damage is "streams" or "lives" or "terms") await SetAsync(new(damage, new BsonArray { 7L }));
        if (damage == "from")
            await Entries.UpdateOneAsync(third, new BsonDocument { { "$set", new BsonDocument("commits.0.from", 7L) },
                { "$unset", new BsonDocument("commits.0.events", "") } });
        if (damage is "removed" or "last") await SetAsync(new(damage, 5L));
        var report = await engine.VerifyAsync();
        var place = damage switch { "revision" => "77", "from" => "revision 6", "removed" => "entry 4", _ => "3" };
        Assert.Contains(report.Damages, found => found.Place.Contains(place, StringComparison.Ordinal));
        if (damage is "events" or "type") await Assert.ThrowsAsync<CorruptStorageException>(async () => await ReadAllAsync(engine));

        Task SetAsync(BsonDocument fields) => Entries.UpdateOneAsync(third, new BsonDocument("$set", fields));
    }
}
