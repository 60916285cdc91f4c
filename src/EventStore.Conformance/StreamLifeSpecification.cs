using Xunit;

namespace EventStore.Conformance;

/// <summary>A sealed stream refuses commits. A stream that was deleted and created again is distinguished from the one before.</summary>
public abstract class StreamLifeSpecification<TBackend> : Specification<TBackend> where TBackend : IBackend, new()
{
    private const int Minute = 60_000;
    private readonly StreamId stream = new("bucket", "category", "stream");

    [Fact, Guarantee("G56")]
    public async Task A_sealed_stream_refuses_commits_and_stays_readable()
    {
        var stored = Attempt(stream, ExpectedRevision.Any, Events(3));
        await CommitAsync(stored);
        Assert.Equal(StreamChangeKind.Changed, (await Engine.SealStreamAsync(stream, new Revision(3))).Kind);
        await ExpectAsync();
        if (Engine.Description.Capabilities.HasFlag(EngineCapabilities.Reopens))
        {
            await ReopenAsync();
            await ExpectAsync();
        }

        await Engine.SaveSnapshotAsync(new SnapshotRecord(stream, new(3), 0, "state", default));
        Assert.Equal(StreamChangeKind.Changed, (await Engine.TruncateStreamAsync(stream, new(3), StreamExpectation.Any)).Kind);
        Assert.Equal(Range(3, 3), Revisions(await ReadStreamAsync(stream)));
        Assert.True((await HeadAsync(stream)).IsSealed);

        async Task ExpectAsync()
        {
            foreach (var expected in (ExpectedRevision[])[ExpectedRevision.Any, ExpectedRevision.NoStream, new Revision(3)])
            {
                var refused = await CommitAsync(Attempt(stream, expected));
                Assert.Equal((CommitOutcomeKind.Sealed, 3L), (refused.Kind, refused.Actual.Revision.Value));
            }

            Assert.Equal(CommitOutcomeKind.Duplicate, (await CommitAsync(stored)).Kind);
            Assert.Equal(StreamChangeKind.Unchanged, (await Engine.SealStreamAsync(stream, StreamExpectation.Any)).Kind);
            Assert.Equal(3, (await ReadStreamAsync(stream)).Count);
            Assert.True(Assert.Single(await Engine.ListHeadsAsync(new HeadQuery(null, 0, null, 10))).IsSealed);
        }
    }

    [Fact, Guarantee("G56")]
    public async Task Sealing_is_refused_without_a_stream_and_where_it_is_not_as_expected_and_deletion_ends_it()
    {
        Assert.Equal(StreamChangeKind.Missing, (await Engine.SealStreamAsync(stream, StreamExpectation.Any)).Kind);
        await AppendAsync(stream, 2);
        Assert.Equal(StreamChangeKind.Conflict, (await Engine.SealStreamAsync(stream, new Revision(1))).Kind);
        Assert.False((await HeadAsync(stream)).IsSealed);
        await Engine.SealStreamAsync(stream, StreamExpectation.Any);
        Assert.Equal(StreamChangeKind.Changed, (await Engine.DeleteStreamAsync(stream, StreamExpectation.Any)).Kind);
        await AppendAsync(stream, 1);
        Assert.False((await HeadAsync(stream)).IsSealed);
        await Engine.SealStreamAsync(stream, StreamExpectation.Any);
        await Engine.PurgeBucketAsync(stream.Bucket);
        await AppendAsync(stream, 1);
    }

    [Fact(Timeout = 2 * Minute), Guarantee("G56")]
    public async Task Of_a_seal_and_commits_that_race_none_is_stored_after_the_seal()
    {
        for (var round = 0; round < 20; round++)
        {
            StreamId target = $"racing-{round}";
            await AppendAsync(target, 1);
            var committed = 0;
            var writers = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
            {
                for (var i = 0; i < 5; i++)
                {
                    if ((await CommitAsync(Attempt(target, ExpectedRevision.Any))).Kind == CommitOutcomeKind.Committed)
                        Interlocked.Increment(ref committed);
                }
            })).ToList();
            var change = await Engine.SealStreamAsync(target, StreamExpectation.Any);
            await Task.WhenAll(writers);
            Assert.Equal(1 + committed, (await ReadStreamAsync(target)).Count);
            Assert.Equal(change.State.Revision, (await HeadAsync(target)).Revision);
        }
    }

    [Fact, Guarantee("G5", "G46")]
    public async Task A_stream_created_again_has_another_incarnation_on_every_read_path()
    {
        Checkpoint before = default;
        for (var round = 0; round < 3; round++)
        {
            var first = await AppendAsync(stream, 2);
            await AppendAsync(stream, 1);
            var incarnation = first.FirstCheckpoint;
            Assert.True(incarnation > before);
            Assert.Equal(incarnation, (await HeadAsync(stream)).Incarnation);
            Assert.Equal(incarnation, Assert.Single(await Engine.ListHeadsAsync(new HeadQuery(null, 0, null, 10))).Incarnation);
            var page = await Engine.ReadStreamAsync(
                new StreamRead(stream, new(1), Revision.Max, ReadDirection.Backward, new PageLimit(1, long.MaxValue)));
            Assert.Equal(new StreamState(incarnation, new(3), new(1), IsSealed: false), page.State);

            var stale = new CommitAttempt(stream, SequentialGuid.Next(), [Event()]) { Expected = new(new Revision(3), before) };
            var outcome = await CommitAsync(stale);
            if (round == 0) Assert.Equal(CommitOutcomeKind.Committed, outcome.Kind);
            else Assert.Equal((CommitOutcomeKind.Conflict, incarnation), (outcome.Kind, outcome.Actual.Incarnation));
            var wrong = new StreamExpectation(ExpectedRevision.Any, incarnation + 1);
            Assert.Equal(StreamChangeKind.Conflict, (await Engine.DeleteStreamAsync(stream, wrong)).Kind);
            Assert.Equal(StreamChangeKind.Changed, (await Engine.DeleteStreamAsync(stream, new(ExpectedRevision.Any, incarnation))).Kind);
            before = incarnation;
        }

        var missing = await Engine.ReadStreamAsync(new StreamRead(stream, new(1), new(9), ReadDirection.Forward, new PageLimit(9, 9)));
        Assert.Equal((default, true), (missing.State, missing.IsEnd));
    }

    [Fact, Guarantee("G5", "G46")]
    public async Task A_stream_is_deleted_only_as_expected()
    {
        Assert.Equal(StreamChangeKind.Missing, (await Engine.DeleteStreamAsync(stream, StreamExpectation.Any)).Kind);
        await AppendAsync(stream, 2);
        foreach (var wrong in (ExpectedRevision[])[ExpectedRevision.NoStream, new Revision(1), new Revision(3)])
        {
            var refused = await Engine.DeleteStreamAsync(stream, wrong);
            Assert.Equal((StreamChangeKind.Conflict, 2L), (refused.Kind, refused.State.Revision.Value));
        }

        Assert.Equal(2, (await ReadStreamAsync(stream)).Count);
        var change = await Engine.DeleteStreamAsync(stream, new Revision(2));
        Assert.Equal((StreamChangeKind.Changed, 2L), (change.Kind, change.State.Revision.Value));
        Assert.Empty(await ReadStreamAsync(stream));
    }
}
