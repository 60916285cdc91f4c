using Xunit;

namespace EventStore.Conformance;

/// <summary>A unit of commits in several streams is stored whole or not at all.</summary>
public abstract class UnitSpecification<TBackend> : Specification<TBackend> where TBackend : IBackend, new()
{
    private const int Minute = 60_000;

    [Fact, Guarantee("G3", "G54")]
    public async Task The_commits_of_a_unit_are_consecutive_and_belong_together()
    {
        await AppendAsync("b", 2);
        var unit = Unit(("a", ExpectedRevision.NoStream, 1), ("b", new Revision(2), 3), ("c", ExpectedRevision.Any, 2));
        var outcome = await CommitAsync(unit);
        Assert.Equal(CommitOutcomeKind.Committed, outcome.Kind);
        CommitRecord[] commits = [outcome.Commit!, .. outcome.Rest];
        Assert.Equal([3L, 4L, 7L], commits.Select(commit => commit.FirstCheckpoint.Value));
        Assert.Equal([1L, 3L, 1L], commits.Select(commit => commit.FirstRevision.Value));
        Assert.All(commits, commit => Assert.Equal(new UnitPlace(new Checkpoint(3), 3), commit.Unit));
        Assert.Single(commits.Select(commit => commit.Stamp).Distinct());

        var stored = await ReadAllAsync(after: 2);
        Assert.Equal(["a", "b", "b", "b", "c", "c"], stored.Select(recorded => recorded.Commit.Stream.Id));
        Assert.All(stored, recorded => Assert.Equal((unit.CommitId, 3), (recorded.Commit.CommitId, recorded.Commit.Unit.Size)));
        foreach (var commit in commits)
        {
            var found = await FoundAsync(commit.Stream, unit.CommitId);
            Assert.Equal(commit with { Headers = default }, found with { Headers = default });
        }
    }

    [Fact, Guarantee("G54")]
    public async Task One_refusal_refuses_all_and_names_the_stream()
    {
        await AppendAsync("b", 2);
        await AppendAsync("sealed", 1);
        await Engine.SealStreamAsync("sealed", StreamExpectation.Any);
        var head = (await ReadAllAsync()).Count;

        var conflict = await CommitAsync(
            Unit(("a", ExpectedRevision.NoStream, 1), ("b", new Revision(1), 1), ("c", ExpectedRevision.Any, 1)));
        Assert.Equal((CommitOutcomeKind.Conflict, 1, 2L), (conflict.Kind, conflict.Member, conflict.Actual.Revision.Value));
        var refused = await CommitAsync(
            Unit(("b", new Revision(1), 1), ("a", ExpectedRevision.Any, 1), ("sealed", ExpectedRevision.Any, 1)));
        Assert.Equal((CommitOutcomeKind.Sealed, 2), (refused.Kind, refused.Member));
        var condition = new AppendCondition(new EventCriteria(new EventCriterion { Category = "" }));
        var unmet = await CommitAsync(Unit(condition, ("a", ExpectedRevision.Any, 1), ("c", ExpectedRevision.Any, 1)));
        Assert.Equal((CommitOutcomeKind.ConditionNotMet, 1L), (unmet.Kind, unmet.Checkpoint.Value));
        Assert.Equal(head, (await ReadAllAsync()).Count);
        Assert.Null(await Engine.FindHeadAsync("a"));

        // A condition never sees the unit's own events.
        condition = new AppendCondition(new EventCriteria(new EventCriterion { Category = "" }), new Checkpoint(head));
        Assert.Equal(
            CommitOutcomeKind.Committed,
            (await CommitAsync(Unit(condition, ("a", ExpectedRevision.Any, 1), ("c", ExpectedRevision.Any, 1)))).Kind);
    }

    [Fact, Guarantee("G7", "G54")]
    public async Task A_unit_is_a_duplicate_only_of_itself_and_any_mix_is_a_reused_id()
    {
        var unit = Unit(("a", ExpectedRevision.Any, 1), ("b", ExpectedRevision.Any, 2));
        var stored = await CommitAsync(unit);
        var again = await CommitAsync(unit);
        Assert.Equal(CommitOutcomeKind.Duplicate, again.Kind);
        Assert.Equal(stored.Commit!.FirstCheckpoint, again.Commit!.FirstCheckpoint);
        Assert.Equal(stored.Rest.Select(commit => commit.FirstCheckpoint), again.Rest.Select(commit => commit.FirstCheckpoint));

        CommitAttempt[] mixes =
        [
            Member("a", unit.CommitId), Member("b", unit.CommitId), Join(unit.CommitId, "a", "c"), Join(unit.CommitId, "c", "b"),
            Join(unit.CommitId, "a", "b", "c"),
        ];
        foreach (var mix in mixes) Assert.Equal(CommitOutcomeKind.Reused, (await CommitAsync(mix)).Kind);
        await CommitAsync(Member("lone", unit.CommitId));
        Assert.Equal(CommitOutcomeKind.Reused, (await CommitAsync(Join(unit.CommitId, "lone", "d"))).Kind);
        await CommitAsync(Member("d", unit.CommitId));
        Assert.Equal(CommitOutcomeKind.Reused, (await CommitAsync(Join(unit.CommitId, "lone", "d"))).Kind);

        await Engine.DeleteStreamAsync("b", StreamExpectation.Any);
        var missing = await CommitAsync(unit);
        Assert.Equal((CommitOutcomeKind.Reused, 0), (missing.Kind, missing.Member));
        Assert.Equal(3, (await ReadAllAsync()).Count);
    }

    [Fact(Timeout = Minute), Guarantee("G12", "G54")]
    public async Task A_unit_whose_outcome_was_lost_is_settled_as_a_whole()
    {
        var losing = new LosesOneOutcome(Engine);
        await using var store = await Wire(losing).BuildAsync();
        var unit = new CommitUnit().Append("a", ExpectedRevision.NoStream, "x").Append("b", ExpectedRevision.NoStream, "y", "z");
        var result = await store.CommitAsync(unit);
        Assert.Equal((2, false), (losing.Commits, result.IsDuplicate));
        Assert.Equal([("a", 1L), ("b", 2L)], result.Commits.Select(commit => (commit.Stream.Id, commit.LastRevision.Value)));
        Assert.Equal(3, (await ReadAllAsync()).Count);
    }

    [Fact, Guarantee("G8", "G54")]
    public async Task A_unit_obeys_the_limits_of_one_commit_as_a_whole()
    {
        var limit = Engine.Description.Limits.MaxEventsPerCommit;
        Assert.SkipUnless(limit <= 100_000, "The limit is too high for a fact.");
        var half = Enumerable.Repeat(Event(""), (limit / 2) + 1).Select(_ => Event("")).ToArray();
        var id = SequentialGuid.Next();
        var attempt = new CommitAttempt("a", id, half) { Rest = [new CommitAttempt("b", id, half)] };
        await Assert.ThrowsAsync<TooLargeException>(async () => await CommitAsync(attempt));
        Assert.Empty(await ReadAllAsync());
    }

    [Fact, Guarantee("G5", "G54")]
    public async Task In_a_batch_a_unit_sees_the_attempts_before_it_and_is_seen_by_those_after_it()
    {
        var unit = Unit(("a", new Revision(1), 1), ("b", ExpectedRevision.NoStream, 1));
        var outcomes = await Engine.CommitAsync(
        [
            Attempt("a", ExpectedRevision.NoStream), unit, Attempt("b", ExpectedRevision.NoStream), Attempt("b", new Revision(1)), unit,
        ]);
        const CommitOutcomeKind Ok = CommitOutcomeKind.Committed;
        Assert.Equal([Ok, Ok, CommitOutcomeKind.Conflict, Ok, CommitOutcomeKind.Duplicate], outcomes.Select(outcome => outcome.Kind));
        Assert.Equal(Range(1, 4), Checkpoints(await ReadAllAsync()));
    }

    [Fact(Timeout = 2 * Minute), Guarantee("G3", "G14", "G54")]
    public async Task A_reader_never_sees_a_part_of_a_unit()
    {
        const int Units = 60;
        using var stop = new CancellationTokenSource();
        var reading = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                var seen = await ReadAllAsync();
                foreach (var unit in seen.GroupBy(recorded => recorded.Commit.Unit.FirstCheckpoint))
                    Assert.Equal(6, unit.Count());
            }
        });
        for (var i = 0; i < Units; i++)
        {
            await CommitAsync(
                Unit(($"a{i % 3}", ExpectedRevision.Any, 1), ($"b{i % 5}", ExpectedRevision.Any, 2), ("c", ExpectedRevision.Any, 3)));
        }
        await stop.CancelAsync();
        await reading;
        Assert.Equal(Range(1, Units * 6), Checkpoints(await ReadAllAsync()));
    }

    private static CommitAttempt Unit(params (string Stream, ExpectedRevision Expected, int Events)[] members) => Unit(null, members);

    private static CommitAttempt Unit(
        AppendCondition? condition, params (string Stream, ExpectedRevision Expected, int Events)[] members)
    {
        var id = SequentialGuid.Next();
        var commits = members.Select(member => new CommitAttempt(member.Stream, id, Events(member.Events)) { Expected = member.Expected });
        var first = commits.First();
        return new CommitAttempt(first.Stream, id, first.Events)
        {
            Expected = first.Expected,
            Condition = condition,
            Rest = [.. commits.Skip(1)],
        };
    }

    private static CommitAttempt Member(string stream, Guid id) => new(stream, id, [Event()]);

    private static CommitAttempt Join(Guid id, params string[] streams) =>
        new(streams[0], id, [Event()]) { Rest = [.. streams.Skip(1).Select(stream => Member(stream, id))] };

    /// <summary>Loses the outcome of the first batch, which is stored.</summary>
    private sealed class LosesOneOutcome(IPersistenceEngine inner) : DelegatingEngine(inner)
    {
        public int Commits { get; private set; }

        public override async ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
            IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
        {
            var outcomes = await Inner.CommitAsync(attempts, cancellationToken);
            return ++Commits == 1 ? throw new BatchOutcomeUnknownException("the outcome was lost by plan.") : outcomes;
        }
    }
}
