using Xunit;

namespace EventStore.Conformance;

/// <summary>A deleted stream is absent from every read path, all else is kept, and its checkpoints are never reused.</summary>
public abstract class DeletionSpecification<TBackend> : Specification<TBackend> where TBackend : IBackend, new()
{

    private readonly StreamId stream = new("bucket", "category", "stream");

    [Fact, Guarantee("G46")]
    public async Task A_deleted_stream_is_gone_from_every_read_path_and_others_are_whole()
    {
        for (var i = 0; i < 5; i++)
        {
            await AppendAsync(stream, 2);
            await AppendAsync("other", 1);
        }

        Assert.True(await Engine.DeleteStreamAsync(stream));
        Assert.Empty(await ReadStreamAsync(stream));
        Assert.Empty(await ReadStreamAsync(stream, direction: ReadDirection.Backward));
        Assert.All(await ReadAllAsync(), recorded => Assert.Equal("other", recorded.Commit.Stream.Id));
        Assert.Equal(5, (await ReadAllAsync(direction: ReadDirection.Backward)).Count);
        Assert.Empty(await ReadAllAsync(new EventFilter { Bucket = "bucket" }));
        Assert.Null(await Engine.FindHeadAsync(stream));
        Assert.Single(await Engine.ListHeadsAsync(new HeadQuery(null, 0, null, 10)));
        Assert.Equal(Range(1, 5), Revisions(await ReadStreamAsync("other")));
    }

    [Fact, Guarantee("G46")]
    public async Task A_deleted_stream_can_be_created_again_from_revision_1_and_deleted_again()
    {
        for (var round = 1; round <= 3; round++)
        {
            var outcome = await CommitAsync(Attempt(stream, ExpectedRevision.NoStream, Events(3, $"round{round}-")));
            Assert.Equal(CommitOutcomeKind.Committed, outcome.Kind);
            Assert.Equal((1, 1), (outcome.Commit!.FirstRevision.Value, outcome.Commit.Sequence.Value));
            await AppendAsync(stream, 1);
            Assert.Equal(Range(1, 4), Revisions(await ReadStreamAsync(stream)));
            Assert.Equal($"round{round}-1", Body((await ReadAllAsync())[0]));
            Assert.True(await Engine.DeleteStreamAsync(stream));
            Assert.False(await Engine.DeleteStreamAsync(stream));
        }

        Assert.False(await Engine.DeleteStreamAsync("never there"));
    }

    [Fact, Guarantee("G13")]
    public async Task Checkpoints_are_never_reused_after_deletes_purges_failures_and_reopening()
    {
        long highest = 0;
        async Task AppendAboveAsync(StreamId target)
        {
            var commit = await AppendAsync(target, 2);
            Assert.True(
                commit.FirstCheckpoint.Value > highest, $"checkpoint {commit.FirstCheckpoint} was given out before: {highest} was seen");
            highest = commit.LastCheckpoint.Value;
        }

        await AppendAboveAsync("first");
        await AppendAboveAsync(stream);
        await Engine.DeleteStreamAsync(stream);
        await AppendAboveAsync(stream);
        await CommitAsync(Attempt(stream, ExpectedRevision.NoStream));
        await AppendAboveAsync("first");
        await Engine.PurgeBucketAsync("bucket");
        await AppendAboveAsync(stream);
        await Engine.PurgeAllAsync();
        if (Engine.Description.Capabilities.HasFlag(EngineCapabilities.Reopens)) await ReopenAsync();
        await AppendAboveAsync("after everything");
        Assert.Equal(2, (await ReadAllAsync()).Count);
    }

    [Fact, Guarantee("G2", "G46")]
    public async Task Purging_a_bucket_leaves_the_others_whole()
    {
        foreach (var bucket in (string[])["a", "b", "ab", "A"])
        {
            for (var i = 0; i < 3; i++) await AppendAsync(new StreamId(bucket, "c", $"s{i}"), 2);
            await Engine.SaveSnapshotAsync(new SnapshotRecord(new StreamId(bucket, "c", "s0"), new Revision(1), 0, "state", default));
        }

        await Engine.PurgeBucketAsync("a");
        Assert.Empty(await ReadAllAsync(new EventFilter { Bucket = "a" }));
        Assert.Equal(18, (await ReadAllAsync()).Count);
        Assert.Null(await Engine.FindSnapshotAsync(new StreamId("a", "c", "s0"), new Revision(1)));
        Assert.NotNull(await Engine.FindSnapshotAsync(new StreamId("A", "c", "s0"), new Revision(1)));
        Assert.Equal(9, (await Engine.ListHeadsAsync(new HeadQuery(null, 0, null, 100))).Count);
        await Engine.PurgeBucketAsync("a");
        await Engine.PurgeBucketAsync("none");
        Assert.Equal(
            CommitOutcomeKind.Committed, (await CommitAsync(Attempt(new StreamId("a", "c", "s0"), ExpectedRevision.NoStream))).Kind);
    }

    [Fact, Guarantee("G7", "G46")]
    public async Task The_commit_ids_of_a_deleted_stream_are_deleted_with_it()
    {
        var attempt = Attempt(stream, ExpectedRevision.NoStream, Events(2));
        await CommitAsync(attempt);
        await Engine.DeleteStreamAsync(stream);
        Assert.Equal(CommitOutcomeKind.Committed, (await CommitAsync(attempt)).Kind);
        Assert.Equal(CommitOutcomeKind.Duplicate, (await CommitAsync(attempt)).Kind);
    }

    [Theory, Guarantee("G15", "G46")]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    public async Task A_stream_object_finds_at_its_refresh_that_its_stream_was_deleted_and_created_again(int newEvents)
    {
        await using var store = await Wire().BuildAsync();
        var written = store.CreateStream(stream);
        foreach (var text in (string[])["a", "b", "c"]) written.Add(text);
        await written.CommitChangesAsync();
        var read = await store.OpenStreamAsync(stream);
        await store.Snapshots.SaveAsync(new Snapshot(stream, new Revision(2), "state"));
        var (_, partly) = await store.OpenFromSnapshotAsync(stream);

        await store.DeleteStreamAsync(stream);
        if (newEvents > 0) await store.AppendAsync(stream, ExpectedRevision.NoStream, Enumerable.Repeat((object)"new", newEvents));
        foreach (var opened in (IEventStream[])[written, read, partly])
        {
            var before = opened.CommittedEvents.Count;
            var error = await Assert.ThrowsAsync<ReadInterruptedException>(async () => await opened.RefreshAsync());
            Assert.Equal(stream, error.Stream);
            Assert.Equal((3, before), (opened.Revision.Value, opened.CommittedEvents.Count));
        }
    }

    [Fact, Guarantee("G5", "G46")]
    public async Task A_commit_to_a_stream_that_was_deleted_and_created_again_conflicts()
    {
        await using var store = await Wire().BuildAsync();
        await store.AppendAsync(stream, ExpectedRevision.NoStream, ["a", "b"]);
        IEventStream[] opened = [await store.OpenStreamAsync(stream), await store.OpenStreamAtHeadAsync(stream)];
        await store.DeleteStreamAsync(stream);
        await store.AppendAsync(stream, ExpectedRevision.NoStream, ["other a", "other b"]);
        foreach (var old in opened)
        {
            old.Add("decided on the old events");
            await Assert.ThrowsAnyAsync<EventStoreException>(async () => await old.CommitChangesAsync());
        }

        Assert.Equal(2, (await ReadStreamAsync(stream)).Count);
    }

    [Fact, Guarantee("G21", "G25", "G46")]
    public async Task A_snapshot_of_a_deleted_stream_does_not_open_a_new_one_of_its_name()
    {
        await using var store = await Wire().BuildAsync();
        await store.AppendAsync(stream, ExpectedRevision.NoStream, ["a", "b"]);
        await store.Snapshots.SaveAsync(new Snapshot(stream, new Revision(2), "state"));
        var held = (await store.Snapshots.FindAsync(stream))!;
        await store.DeleteStreamAsync(stream);
        await store.AppendAsync(stream, ExpectedRevision.NoStream, ["other a", "other b", "other c"]);
        await Assert.ThrowsAnyAsync<EventStoreException>(async () => await store.OpenStreamAsync(held));
    }

    [Fact, Guarantee("G15", "G46")]
    public async Task A_stream_object_opened_at_the_head_finds_at_its_refresh_that_its_stream_was_created_again()
    {
        await using var store = await Wire().BuildAsync();
        await store.AppendAsync(stream, ExpectedRevision.NoStream, ["a", "b"]);
        var opened = await store.OpenStreamAtHeadAsync(stream);
        await store.DeleteStreamAsync(stream);
        await store.AppendAsync(stream, ExpectedRevision.NoStream, ["other a", "other b", "other c"]);
        await Assert.ThrowsAsync<ReadInterruptedException>(async () => await opened.RefreshAsync());
    }
}
