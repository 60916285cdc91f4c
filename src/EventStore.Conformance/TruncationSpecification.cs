using System.Text;
using Xunit;

namespace EventStore.Conformance;

/// <summary>Truncated events are absent from every read path; everything else of the stream stays as it was.</summary>
public abstract class TruncationSpecification<TBackend> : Specification<TBackend> where TBackend : IBackend, new()
{
    private const int Minute = 60_000;
    private readonly StreamId stream = new("bucket", "category", "stream");

    [Theory, Guarantee("G55")]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 3)]
    [InlineData(6, 6)]
    [InlineData(8, 8)]
    [InlineData(9, 9)]
    [InlineData(long.MaxValue, 9)]
    public async Task Events_below_a_revision_are_gone_from_every_read_path(long before, long first)
    {
        // Commits of 3, 3 and 2 events: a truncation may cut one in two.
        foreach (var count in (int[])[3, 3, 2])
        {
            await AppendAsync(stream, Tagged(count));
            await AppendAsync("other", 1);
        }

        var incarnation = (await HeadAsync(stream)).Incarnation;
        var change = await Engine.TruncateStreamAsync(stream, new Revision(before), StreamExpectation.Any);
        Assert.Equal(first == 1 ? StreamChangeKind.Unchanged : StreamChangeKind.Changed, change.Kind);
        await ExpectAsync();
        if (Engine.Description.Capabilities.HasFlag(EngineCapabilities.Reopens))
        {
            await ReopenAsync();
            await ExpectAsync();
        }

        Assert.Equal(StreamChangeKind.Unchanged, (await Engine.TruncateStreamAsync(stream, new(first), StreamExpectation.Any)).Kind);
        Assert.Equal(StreamChangeKind.Unchanged, (await Engine.TruncateStreamAsync(stream, new(1), StreamExpectation.Any)).Kind);
        await ExpectAsync();

        async Task ExpectAsync()
        {
            var state = new StreamState(incarnation, new Revision(8), new Revision(first), IsSealed: false);
            Assert.Equal(Range(first, 8), Revisions(await ReadStreamAsync(stream, pageSize: 2)));
            var backward = await ReadStreamAsync(stream, direction: ReadDirection.Backward, pageSize: 2);
            Assert.Equal(Range(first, 8).Reverse(), Revisions(backward));
            Assert.Equal(state, StreamState.Of(await HeadAsync(stream)));
            Assert.Equal(state, StreamState.Of(Assert.Single(await Engine.ListHeadsAsync(new HeadQuery("bucket", 0, null, 10)))));
            Assert.Equal(3, (await HeadAsync(stream)).CommitSequence.Value);
            foreach (var filter in (EventFilter[])
            [
                new() { Bucket = "bucket" }, new() { Criteria = new(new EventCriterion { Bucket = "bucket", Category = "category" }) },
                new() { Criteria = new(new EventCriterion { Bucket = "bucket", Tags = ["tag"] }) },
            ])
                Assert.Equal(Range(first, 8), Revisions(await ReadAllAsync(filter, pageSize: 2)));
            Assert.Equal(3 + 9 - first, (await ReadAllAsync()).Count);
            var page = await Engine.ReadStreamAsync(new StreamRead(stream, new(1), new(1), ReadDirection.Forward, new PageLimit(1, 1)));
            Assert.Equal((state, first > 1 ? 0 : 1), (page.State, page.Events.Length));
        }
    }

    [Fact, Guarantee("G13", "G55")]
    public async Task Appends_go_on_after_the_head_also_when_nothing_is_left()
    {
        await AppendAsync(stream, 5);
        await Engine.TruncateStreamAsync(stream, new(6), StreamExpectation.Any);
        Assert.Empty(await ReadAllAsync());
        Assert.Equal(CommitOutcomeKind.Conflict, (await CommitAsync(Attempt(stream, ExpectedRevision.NoStream))).Kind);
        Assert.Equal(CommitOutcomeKind.Committed, (await CommitAsync(Attempt(stream, ExpectedRevision.StreamExists))).Kind);
        var outcome = await CommitAsync(Attempt(stream, new Revision(6)));
        Assert.Equal((7L, 7L, 3L), (
            outcome.Commit!.FirstRevision.Value, outcome.Commit.FirstCheckpoint.Value, outcome.Commit.Sequence.Value));
        Assert.Equal(Range(6, 7), Revisions(await ReadStreamAsync(stream)));
        Assert.Equal(new Revision(6), (await HeadAsync(stream)).FirstRevision);
    }

    [Fact, Guarantee("G7", "G55")]
    public async Task The_commit_ids_of_truncated_commits_stay_known()
    {
        var attempts = Enumerable.Range(0, 3).Select(_ => Attempt(stream, ExpectedRevision.Any, Tagged(3))).ToList();
        foreach (var attempt in attempts) await CommitAsync(attempt);
        await Engine.TruncateStreamAsync(stream, new(5), StreamExpectation.Any);
        if (Engine.Description.Capabilities.HasFlag(EngineCapabilities.Reopens)) await ReopenAsync();
        for (var i = 0; i < attempts.Count; i++)
        {
            var again = await CommitAsync(attempts[i]);
            Assert.Equal(
                (CommitOutcomeKind.Duplicate, 1 + (3L * i), 3, i + 1L),
                (again.Kind, again.Commit!.FirstRevision.Value, again.Commit.EventCount, again.Commit.Sequence.Value));
            var found = await FoundAsync(stream, attempts[i].CommitId);
            Assert.Equal(again.Commit with { Headers = default }, found with { Headers = default });
        }

        Assert.Equal(Range(5, 9), Revisions(await ReadStreamAsync(stream)));
    }

    [Fact, Guarantee("G22", "G55")]
    public async Task Snapshots_that_can_no_longer_be_used_are_deleted_and_refused()
    {
        await AppendAsync(stream, 9);
        foreach (var revision in (long[])[2, 4, 5, 7]) await SaveAsync(revision);
        await Engine.TruncateStreamAsync(stream, new(6), StreamExpectation.Any);
        Assert.Null(await Engine.FindSnapshotAsync(stream, new(4)));
        Assert.Equal(5, (await SnapshotAsync(stream, new(6))).Revision.Value);
        Assert.Equal(7, (await SnapshotAsync(stream, Revision.Max)).Revision.Value);
        await Assert.ThrowsAsync<SnapshotRefusedException>(async () => await SaveAsync(4));
        await SaveAsync(5);
        await SaveAsync(9);
        await Engine.TruncateStreamAsync(stream, Revision.Max, StreamExpectation.Any);
        Assert.Equal(9, (await SnapshotAsync(stream, Revision.Max)).Revision.Value);
        Assert.Equal(9, (await HeadAsync(stream)).SnapshotRevision.Value);
        Assert.Null(await Engine.FindSnapshotAsync(stream, new(8)));

        async Task SaveAsync(long revision) =>
            await Engine.SaveSnapshotAsync(new SnapshotRecord(stream, new(revision), 0, "state", new byte[] { (byte)revision }));
    }

    [Fact, Guarantee("G5", "G55")]
    public async Task A_truncation_is_refused_where_the_stream_is_not_as_expected()
    {
        Assert.Equal(StreamChangeKind.Missing, (await Engine.TruncateStreamAsync(stream, new(2), StreamExpectation.Any)).Kind);
        Assert.Equal(StreamChangeKind.Conflict, (await Engine.TruncateStreamAsync(stream, new(2), ExpectedRevision.StreamExists)).Kind);
        await AppendAsync(stream, 3);
        var state = StreamState.Of(await HeadAsync(stream));
        foreach (var wrong in (StreamExpectation[])
            [new(new Revision(2)), new(ExpectedRevision.NoStream), new(new Revision(3), state.Incarnation + 1)])
        {
            var refused = await Engine.TruncateStreamAsync(stream, new(2), wrong);
            Assert.Equal((StreamChangeKind.Conflict, state), (refused.Kind, refused.State));
        }

        Assert.Equal(3, (await ReadStreamAsync(stream)).Count);
        var change = await Engine.TruncateStreamAsync(stream, new(2), new(new Revision(3), state.Incarnation));
        Assert.Equal((StreamChangeKind.Changed, 2L), (change.Kind, change.State.FirstRevision.Value));
    }

    [Fact, Guarantee("G46", "G55")]
    public async Task A_truncated_stream_that_is_deleted_begins_again_at_revision_1()
    {
        await AppendAsync(stream, 5);
        await Engine.TruncateStreamAsync(stream, new(4), StreamExpectation.Any);
        await Engine.DeleteStreamAsync(stream, StreamExpectation.Any);
        Assert.Null(await Engine.FindHeadAsync(stream));
        var commit = await AppendAsync(stream, 2);
        Assert.Equal((1L, 6L), (commit.FirstRevision.Value, commit.FirstCheckpoint.Value));
        Assert.Equal(
            new StreamState(new Checkpoint(6), new Revision(2), new Revision(1), IsSealed: false), StreamState.Of(await HeadAsync(stream)));
        Assert.Equal(Range(1, 2), Revisions(await ReadStreamAsync(stream)));
    }

    [Fact(Timeout = 2 * Minute), Guarantee("G15", "G55")]
    public async Task A_reader_beside_truncations_reads_every_revision_that_is_left_without_gaps()
    {
        const int Rounds = 60;
        await AppendAsync(stream, 5);
        using var stop = new CancellationTokenSource();
        var reading = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                var page = await Engine.ReadStreamAsync(
                    new StreamRead(stream, new(1), Revision.Max, ReadDirection.Forward, new PageLimit(1_000, long.MaxValue)));
                Assert.Equal(
                    Range(page.State.FirstRevision.Value, page.State.Revision.Value), Revisions(page.Events.ToArray()));
            }
        });
        for (var round = 1; round <= Rounds; round++)
        {
            await AppendAsync(stream, 3);
            await Engine.TruncateStreamAsync(stream, new(round * 3), StreamExpectation.Any);
        }

        await stop.CancelAsync();
        await reading;
    }

    private static EventRecord[] Tagged(int count) =>
    [
        .. Enumerable.Range(0, count)
            .Select(i => new EventRecord(SequentialGuid.Next(), "type", Encoding.UTF8.GetBytes($"{i}"), default, ["tag"])),
    ];
}
