using EventStore.Engines;

namespace EventStore.Abstractions.Tests;

/// <summary>What every engine must do alike: lifetime, decisions, unknown outcomes, the newest checkpoint.</summary>
public sealed class EngineDutyTests
{
    private static readonly StreamId Stream = new("id");
    private static readonly StreamState AtRevision1 = new(new Checkpoint(1), new Revision(1), new Revision(1), IsSealed: false);

    [Fact]
    public void An_engine_that_is_not_open_refuses_calls_by_the_exception_of_its_state()
    {
        var lifetime = new EngineLifetime<object>();
        Assert.Throws<InvalidOperationException>(() => lifetime.RequireOpened(TestContext.Current.CancellationToken));
        lifetime.Open("state");
        Assert.Same("state", lifetime.RequireOpened(TestContext.Current.CancellationToken));
        Assert.Throws<OperationCanceledException>(() => lifetime.RequireOpened(new CancellationToken(canceled: true)));
        Assert.True(lifetime.End());
        Assert.False(lifetime.End());
        Assert.Throws<ObjectDisposedException>(lifetime.RequireNotDisposed);
        Assert.Throws<ObjectDisposedException>(() => lifetime.RequireOpened(new CancellationToken(canceled: true)));
    }

    [Fact]
    public void Storage_that_has_less_than_was_seen_is_reported_from_then_on()
    {
        var history = new StorageHistory("memory:");
        history.Observe(new Checkpoint(5), history.Newest);
        var known = history.Newest;
        history.Raise(new Checkpoint(7));
        history.Observe(new Checkpoint(6), known); // a reply that was on its way
        history.RequireIntact();
        var replaced = Assert.Throws<StorageReplacedException>(() => history.Observe(new Checkpoint(6), history.Newest));
        Assert.Contains("from checkpoint 7 to 6", replaced.Message, StringComparison.Ordinal);
        Assert.Throws<StorageReplacedException>(history.RequireIntact);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_watch_looks_once_for_all_that_wait_and_ends_with_the_last()
    {
        var (looks, newest) = (0, 0L);
        await using var watch = new CommitWatch(
            new CommitSignal(),
            _ =>
            {
                Interlocked.Increment(ref looks);
                return new(new Checkpoint(Volatile.Read(ref newest)));
            },
            TimeProvider.System);
        var waiting = Enumerable.Range(0, 100)
            .Select(_ => watch.WaitAsync(default, TimeSpan.FromMinutes(5), () => TimeSpan.FromMilliseconds(1), default).AsTask()).ToArray();
        Volatile.Write(ref newest, 1);
        await Task.WhenAll(waiting);
        Assert.InRange(looks, 1, 5_000);
        await watch.DisposeAsync();
        var after = looks;
        await watch.WaitAsync(new Checkpoint(1), TimeSpan.FromMinutes(5), () => TimeSpan.FromMilliseconds(1), default);
        Assert.Equal(after, looks);
    }

    [Fact]
    public void An_unknown_scheme_is_refused_without_the_text_of_the_address()
    {
        var refused = Assert.Throws<WireupException>(
            () => new EngineCatalogue().Create("Host=localhost;Password=hunter2:x", EngineContext.Default));
        Assert.DoesNotContain("hunter2", refused.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_open_is_handed_over_once()
    {
        var lifetime = new EngineLifetime<object>();
        Assert.False(lifetime.TakeOpened(out _));
        lifetime.Open("state");
        Assert.True(lifetime.TakeOpened(out var state));
        Assert.Same("state", state);
        Assert.False(lifetime.TakeOpened(out _));
        Assert.Null(lifetime.Opened);
    }

    [Fact]
    public void A_known_commit_id_is_a_duplicate_before_it_is_a_conflict()
    {
        var attempt = Attempt(ExpectedRevision.NoStream);
        var original = AttemptRules.Accept(attempt, null, default, default);
        Assert.Null(AttemptRules.Refuse(attempt, new Facts(default)));
        Assert.Equal(CommitOutcomeKind.Conflict, AttemptRules.Refuse(attempt, new Facts(AtRevision1))?.Kind);
        Assert.Equal(CommitOutcomeKind.Duplicate, AttemptRules.Refuse(attempt, new Facts(AtRevision1, original))?.Kind);
    }

    [Fact]
    public void Reasons_to_refuse_an_attempt_are_checked_in_the_order_of_their_numbers()
    {
        var attempt = new CommitAttempt(Stream, Guid.NewGuid(), [Event()])
        {
            Expected = ExpectedRevision.NoStream,
            Condition = new AppendCondition(EventCriteria.Tagged("tag"), new Checkpoint(2)),
        };
        var original = AttemptRules.Accept(attempt, null, default, default);
        var sealedState = AtRevision1 with { IsSealed = true };
        var (removed, match) = (new Checkpoint(5), new Checkpoint(7));
        (Facts Facts, CommitOutcomeKind Expected)[] cases =
        [
            (new(sealedState, original, removed, match), CommitOutcomeKind.Duplicate),
            (new(sealedState, original with { Unit = new(new Checkpoint(1), 2) }, removed, match), CommitOutcomeKind.Reused),
            (new(sealedState, null, removed, match), CommitOutcomeKind.Sealed),
            (new(AtRevision1, null, removed, match), CommitOutcomeKind.Conflict),
            (new(default, null, default, match), CommitOutcomeKind.ConditionNotMet),
            (new(default, null, new Checkpoint(2), match), CommitOutcomeKind.ConditionNotMet),
            (new(default, null, removed, match), CommitOutcomeKind.ConditionOutdated),
        ];
        Assert.Equal(cases.Select(one => one.Expected), cases.Select(one => AttemptRules.Refuse(attempt, one.Facts)!.Value.Kind));
    }

    [Fact]
    public void An_accepted_attempt_follows_the_head_and_the_newest_checkpoint_and_owns_its_headers()
    {
        var headers = new byte[] { 1 };
        var attempt = new CommitAttempt(Stream, Guid.NewGuid(), [Event(), Event()]) { Headers = headers };
        var head = new StreamHead(Stream, new Revision(4), new CommitSequence(2), Revision.None);
        var commit = AttemptRules.Accept(attempt, head, new Checkpoint(9), DateTimeOffset.UnixEpoch);
        headers[0] = 2;
        Assert.Equal((5, 6), (commit.FirstRevision.Value, commit.LastRevision.Value));
        Assert.Equal((10, 11), (commit.FirstCheckpoint.Value, commit.LastCheckpoint.Value));
        Assert.Equal(3, commit.Sequence.Value);
        Assert.Equal(1, commit.Headers.Span[0]);
    }

    [Fact]
    public void A_head_with_more_commits_than_events_takes_none()
    {
        var head = new StreamHead(Stream, new Revision(4), new CommitSequence(AttemptRules.MaxNumber), Revision.None);
        var damage = Assert.Throws<CorruptStorageException>(
            () => AttemptRules.Accept(Attempt(), head, new Checkpoint(9), DateTimeOffset.UnixEpoch));
        Assert.Contains(Stream.ToString(), damage.Place, StringComparison.Ordinal);
    }

    [Fact]
    public void Beyond_its_capacity_every_commit_counts_as_unknown()
    {
        var unknown = new UnknownCommits(capacity: 2);
        CommitAttempt[] attempts = [Attempt(), Attempt(), Attempt(), Attempt()];
        Assert.False(unknown.Concerns(attempts));
        unknown.Add(attempts[..2]);
        unknown.Add(attempts[..2]);
        Assert.True(unknown.Concerns(attempts[1..]));
        Assert.False(unknown.Concerns(attempts[2..]));
        unknown.Add(attempts[2..3]);
        Assert.True(unknown.Concerns(attempts[..1]));
        Assert.True(unknown.Concerns(attempts[3..]));
    }

    [Fact]
    public void The_newest_checkpoint_only_grows()
    {
        var newest = new NewestCheckpoint();
        newest.Raise(new Checkpoint(3));
        newest.Raise(new Checkpoint(2));
        Assert.Equal(new Checkpoint(3), newest.Value);
        Parallel.For(1, 1000, i => newest.Raise(new Checkpoint(i)));
        Assert.Equal(new Checkpoint(999), newest.Value);
    }

    private static CommitAttempt Attempt(ExpectedRevision? expected = null) =>
        new(Stream, Guid.NewGuid(), [Event()]) { Expected = expected ?? ExpectedRevision.Any };

    private static EventRecord Event() => new(Guid.NewGuid(), "type", new byte[] { 1 }, default);

    private sealed record Facts(
        StreamState State, CommitRecord? Known = null, Checkpoint HighestRemoved = default, Checkpoint Match = default) : IAttemptFacts
    {
        public StreamState StateOf(StreamId stream) => State;

        public CommitRecord? FindCommit(StreamId stream, Guid commitId) => Known;

        public Checkpoint FindFirstMatch(AppendCondition condition) => Match;
    }
}
