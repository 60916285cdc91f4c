using Xunit;

namespace EventStore.Conformance;

/// <summary>
/// A commit is stored whole or not at all, numbered without gaps, decided by the expected revision, and never stored twice.
/// </summary>
public abstract class CommitSpecification<TBackend> : Specification<TBackend> where TBackend : IBackend, new()
{
    private readonly StreamId stream = new("bucket", "category", "stream");

    [Fact, Guarantee("G4", "G13")]
    public async Task Events_get_consecutive_revisions_and_checkpoints_and_know_their_commit()
    {
        var first = await AppendAsync(stream, 3);
        var other = await AppendAsync("other", 2);
        var second = await AppendAsync(stream, 2);

        var stored = await ReadStreamAsync(stream);
        Assert.Equal([1, 2, 3, 4, 5], Revisions(stored));
        Assert.Equal(Range(first.FirstCheckpoint.Value, first.FirstCheckpoint.Value + 2), Checkpoints(stored)[..3]);
        Assert.Equal(Range(second.FirstCheckpoint.Value, second.FirstCheckpoint.Value + 1), Checkpoints(stored)[3..]);
        Assert.True(first.LastCheckpoint < other.FirstCheckpoint && other.LastCheckpoint < second.FirstCheckpoint);
        Assert.Equal([1, 1, 1, 2, 2], stored.Select(recorded => recorded.Commit.Sequence.Value));
        Assert.Equal([0, 1, 2, 0, 1], stored.Select(recorded => recorded.IndexInCommit));
        Assert.Equal([3, 3, 3, 2, 2], stored.Select(recorded => recorded.Commit.EventCount));
        Assert.Equal([first.CommitId, second.CommitId], stored.Select(recorded => recorded.Commit.CommitId).Distinct());
        Assert.Equal(new Checkpoint(1), first.FirstCheckpoint);
    }

    [Fact, Guarantee("G9")]
    public async Task The_outcome_equals_what_a_read_returns()
    {
        var attempt = new CommitAttempt(stream, SequentialGuid.Next(), Events(2))
        {
            Expected = ExpectedRevision.NoStream,
            Headers = new byte[] { 7, 8 },
        };
        var outcome = await CommitAsync(attempt);

        Assert.Equal(CommitOutcomeKind.Committed, outcome.Kind);
        var stored = await ReadStreamAsync(stream);
        Assert.Equal(2, stored.Count);
        foreach (var recorded in stored)
        {
            Assert.Equal(outcome.Commit! with { Headers = default }, recorded.Commit with { Headers = default });
            Assert.Equal(new byte[] { 7, 8 }, recorded.Commit.Headers.ToArray());
        }

        Assert.Equal(attempt.Events.Select(asked => asked.EventId), stored.Select(recorded => recorded.Record.EventId));
        Assert.Equal(attempt.Events.Select(asked => asked.EventType), stored.Select(recorded => recorded.Record.EventType));
        var head = await HeadAsync(stream);
        Assert.Equal((2, 1), (head.Revision.Value, head.CommitSequence.Value));
    }

    [Theory, Guarantee("G5", "G6")]
    [InlineData(0)]
    [InlineData(3)]
    public async Task Each_expectation_holds_or_conflicts_by_the_actual_head(int existing)
    {
        if (existing > 0) await AppendAsync(stream, existing);
        (ExpectedRevision Expected, bool Holds)[] cases =
        [
            (ExpectedRevision.NoStream, existing == 0), (ExpectedRevision.StreamExists, existing > 0),
            (new Revision(existing), true), (new Revision(existing + 1), false), (new Revision(existing + 100), false),
            (new Revision(Math.Max(1, existing - 1)), false), (ExpectedRevision.Any, true),
        ];

        foreach (var (expected, holds) in cases)
        {
            var outcome = await CommitAsync(Attempt(stream, expected, Events(2)));
            Assert.Equal((expected, holds ? CommitOutcomeKind.Committed : CommitOutcomeKind.Conflict), (expected, outcome.Kind));
            if (!holds) Assert.Equal(existing, outcome.Actual.Revision.Value);

            Assert.Equal(existing + (holds ? 2 : 0), (await ReadStreamAsync(stream)).Count);
            if (!holds) continue;
            await Engine.DeleteStreamAsync(stream);
            if (existing > 0) await AppendAsync(stream, existing);
        }
    }

    [Fact, Guarantee("G3", "G5")]
    public async Task Nothing_of_a_conflicting_attempt_is_stored()
    {
        await AppendAsync(stream, 1);
        var loser = Attempt(stream, new Revision(7), Events(5, "lost"));
        Assert.Equal(CommitOutcomeKind.Conflict, (await CommitAsync(loser)).Kind);

        Assert.Single(await ReadAllAsync());
        Assert.Equal(1, (await HeadAsync(stream)).CommitSequence.Value);
        var again = new CommitAttempt(stream, loser.CommitId, loser.Events) { Expected = new Revision(1) };
        Assert.Equal(CommitOutcomeKind.Committed, (await CommitAsync(again)).Kind);
        Assert.Equal(Range(1, 6), Revisions(await ReadStreamAsync(stream)));
    }

    [Fact, Guarantee("G7")]
    public async Task A_known_commit_id_returns_the_original_commit_whatever_revision_is_expected()
    {
        var attempt = new CommitAttempt(stream, Guid.NewGuid(), Events(3))
        {
            Expected = ExpectedRevision.NoStream,
            Headers = new byte[] { 1, 2, 3 },
        };
        var outcomeOfFirst = await CommitAsync(attempt);
        Assert.Equal(CommitOutcomeKind.Committed, outcomeOfFirst.Kind);
        var original = outcomeOfFirst.Commit!;
        for (var i = 0; i < 25; i++) await AppendAsync(stream, 2);

        ExpectedRevision[] cases =
        [
            ExpectedRevision.NoStream, ExpectedRevision.Any, ExpectedRevision.StreamExists, new Revision(0), new Revision(53),
            new Revision(9),
        ];
        foreach (var expected in cases)
        {
            var outcome = await CommitAsync(new CommitAttempt(stream, attempt.CommitId, attempt.Events) { Expected = expected });
            Assert.Equal((expected, CommitOutcomeKind.Duplicate), (expected, outcome.Kind));
            Assert.Equal(original with { Headers = default }, outcome.Commit! with { Headers = default });
            Assert.Equal(new byte[] { 1, 2, 3 }, outcome.Commit.Headers.ToArray());
        }

        Assert.Equal(53, (await ReadStreamAsync(stream)).Count);
        Assert.Equal(53, (await ReadAllAsync()).Count);
    }

    [Fact, Guarantee("G7")]
    public async Task The_same_commit_id_twice_in_one_batch_is_stored_once()
    {
        var attempt = Attempt(stream, ExpectedRevision.Any, Events(2));
        var outcomes = await Engine.CommitAsync([attempt, Attempt("other", ExpectedRevision.Any), attempt]);
        Assert.Equal(
            [CommitOutcomeKind.Committed, CommitOutcomeKind.Committed, CommitOutcomeKind.Duplicate],
            outcomes.Select(outcome => outcome.Kind));
        Assert.Equal(outcomes[0].Commit!.FirstCheckpoint, outcomes[2].Commit!.FirstCheckpoint);
        Assert.Equal(2, (await ReadStreamAsync(stream)).Count);
    }

    [Fact, Guarantee("G3", "G4", "G5")]
    public async Task Attempts_of_a_batch_take_effect_in_order_and_independently()
    {
        var outcomes = await Engine.CommitAsync(
        [
            Attempt(stream, ExpectedRevision.NoStream, Events(2, "a")),
            Attempt(stream, ExpectedRevision.NoStream, Events(1, "lost")),
            Attempt("other", ExpectedRevision.Any, Events(1, "b")),
            Attempt(stream, new Revision(2), Events(2, "c")),
            Attempt("missing", ExpectedRevision.StreamExists, Events(1, "lost")),
            Attempt(stream, new Revision(2), Events(1, "lost")),
            Attempt(stream, ExpectedRevision.StreamExists, Events(1, "d")),
        ]);

        const CommitOutcomeKind Ok = CommitOutcomeKind.Committed, Lost = CommitOutcomeKind.Conflict;
        Assert.Equal([Ok, Lost, Ok, Ok, Lost, Lost, Ok], outcomes.Select(outcome => outcome.Kind));
        Assert.Equal([2, 0, 4], new[] { 1, 4, 5 }.Select(i => outcomes[i].Actual.Revision.Value));
        Assert.Equal(["a1", "a2", "b1", "c1", "c2", "d1"], Bodies(await ReadAllAsync()));
        Assert.Equal(Range(1, 5), Revisions(await ReadStreamAsync(stream)));
        Assert.Null(await Engine.FindHeadAsync("missing"));
    }

    [Theory, Guarantee("G8")]
    [InlineData(1)]
    [InlineData(1_001)]
    [InlineData(10_000)]
    public async Task A_commit_of_many_events_is_stored_whole_or_refused_as_too_large(int count)
    {
        var attempt = Attempt(stream, ExpectedRevision.NoStream, Events(count));
        if (count > Engine.Description.Limits.MaxEventsPerCommit)
        {
            await Assert.ThrowsAsync<TooLargeException>(async () => await CommitAsync(attempt));
            Assert.Empty(await ReadAllAsync());
            return;
        }

        Assert.Equal(CommitOutcomeKind.Committed, (await CommitAsync(attempt)).Kind);
        Assert.Equal(Range(1, count), Revisions(await ReadStreamAsync(stream, pageSize: 777)));
        Assert.Equal(Enumerable.Range(1, count).Select(i => $"e{i}"), Bodies(await ReadAllAsync(pageSize: 333)));
    }

    [Fact, Guarantee("G8")]
    public async Task A_commit_beyond_a_limit_is_refused_and_nothing_of_its_batch_is_stored()
    {
        var limits = Engine.Description.Limits;
        Assert.InRange(limits.MaxEventsPerCommit, 1, int.MaxValue);
        Assert.InRange(limits.MaxCommitBytes, 1 << 20, long.MaxValue);

        var shared = Event();
        var tooMany = Attempt(stream, ExpectedRevision.Any, [.. Enumerable.Repeat(shared, limits.MaxEventsPerCommit + 1)]);
        var refused = await Assert.ThrowsAsync<TooLargeException>(
            async () => await Engine.CommitAsync([Attempt("first", ExpectedRevision.Any), tooMany]));
        Assert.Equal((limits.MaxEventsPerCommit + 1L, (long)limits.MaxEventsPerCommit), (refused.Actual, refused.Limit));

        var megabyte = new byte[1 << 20];
        var tooLarge = Attempt(
            stream,
            ExpectedRevision.Any,
            [.. Enumerable.Repeat(new EventRecord(Guid.NewGuid(), "type", megabyte), (int)(limits.MaxCommitBytes >> 20) + 1)]);
        await Assert.ThrowsAsync<TooLargeException>(
            async () => await Engine.CommitAsync([Attempt("first", ExpectedRevision.Any), tooLarge]));
        Assert.Empty(await ReadAllAsync());
    }

    [Fact, Guarantee("G7", "G12")]
    public async Task A_commit_is_found_by_its_id_in_its_stream_alone()
    {
        StreamId other = new("category", "other"), emptied = "emptied";
        var (id, headers) = (SequentialGuid.Next(), "headers"u8.ToArray());
        var stored = await Engine.CommitAsync(
        [
            Attempt(stream, ExpectedRevision.Any, Events(2)),
            new CommitAttempt(stream, id, Events(3)) { Headers = headers },
            new CommitAttempt(other, id, Events(1)),
            new CommitAttempt(emptied, id, Events(1)),
            Attempt(stream, ExpectedRevision.Any),
        ]);
        await Engine.DeleteStreamAsync(emptied);
        await FindAllAsync();
        await AppendAsync(emptied, 1);
        await FindAllAsync();
        if (!Engine.Description.Capabilities.HasFlag(EngineCapabilities.Reopens)) return;
        await ReopenAsync();
        await FindAllAsync();

        async Task FindAllAsync()
        {
            foreach (var commit in stored.Select(outcome => outcome.Commit).OfType<CommitRecord>())
            {
                if (commit.Stream == emptied) continue;
                var found = await Engine.FindCommitAsync(commit.Stream, commit.CommitId);
                Assert.NotNull(found);
                Assert.Equal(commit.Headers.ToArray(), found.Headers.ToArray());
                Assert.Equal(commit with { Headers = default }, found with { Headers = default });
            }

            Assert.Null(await Engine.FindCommitAsync(stream, SequentialGuid.Next()));
            Assert.Null(await Engine.FindCommitAsync(emptied, id));
            Assert.Null(await Engine.FindCommitAsync("missing", id));
        }
    }

    [Fact, Guarantee("G12")]
    public async Task Cancellation_before_sending_stores_nothing()
    {
        var cancelled = new CancellationToken(canceled: true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await Engine.CommitAsync([Attempt(stream, ExpectedRevision.Any)], cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Engine.PutDocumentAsync("name", default, 0, cancelled));
        Assert.Empty(await ReadAllAsync());
        Assert.Null(await Engine.FindDocumentAsync("name"));
    }
}
