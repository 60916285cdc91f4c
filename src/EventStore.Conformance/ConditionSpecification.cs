using System.Text;
using Xunit;

namespace EventStore.Conformance;

/// <summary>A commit with a condition is stored only if no matching event is stored after the condition's checkpoint.</summary>
public abstract class ConditionSpecification<TBackend> : Specification<TBackend> where TBackend : IBackend, new()
{
    private const int Minute = 60_000;

    [Fact, Guarantee("G52")]
    public async Task A_condition_is_decided_by_what_is_stored_after_its_checkpoint()
    {
        var taken = await AppendAsync("a", Tagged("seat:1"));
        await AppendAsync("b", Tagged("seat:2"));
        var head = (await AppendAsync("c", Tagged("seat:1", "vip"))).LastCheckpoint;

        await ExpectAsync("seat:1", Checkpoint.Origin, taken.FirstCheckpoint);
        await ExpectAsync("seat:1", taken.FirstCheckpoint, head);
        await ExpectAsync("seat:1", new Checkpoint(head.Value - 1), head);
        await ExpectAsync("seat:3", Checkpoint.Origin, null);
        await ExpectAsync("seat:1", head, null);
        await ExpectAsync("seat:2", new Checkpoint(head.Value + 1_000), null);
        Assert.Equal(6, (await ReadAllAsync()).Count);

        // An expectation and a condition stand together; the expectation is checked first.
        var both = Attempt("a", ExpectedRevision.NoStream, "seat:1", Checkpoint.Origin);
        Assert.Equal(CommitOutcomeKind.Conflict, (await CommitAsync(both)).Kind);

        async Task ExpectAsync(string tag, Checkpoint after, Checkpoint? inTheWay)
        {
            var outcome = await CommitAsync(Attempt("target", ExpectedRevision.Any, tag, after));
            Assert.Equal(inTheWay is null ? CommitOutcomeKind.Committed : CommitOutcomeKind.ConditionNotMet, outcome.Kind);
            if (inTheWay is { } first) Assert.Equal(first, outcome.Checkpoint);
        }
    }

    [Fact, Guarantee("G52")]
    public async Task Criteria_of_a_condition_mean_what_they_mean_when_reading()
    {
        var paid = new EventRecord(SequentialGuid.Next(), "paid", default, default, ["t", "u"]);
        await AppendAsync(new StreamId("b", "order", "1"), Tagged("t"), paid);
        (EventCriterion Criterion, bool Holds)[] cases =
        [
            (new() { Bucket = "b", Category = "order" }, false), (new() { Bucket = "b", Category = "order", Id = "1" }, false),
            (new() { Bucket = "b", Category = "order", Id = "2" }, true),
            (new() { Bucket = "b", Category = "order", Types = ["lost"] }, true),
            (new() { Bucket = "b", Category = "order", Types = ["lost", "paid"] }, false),
            (new() { Bucket = "b", Tags = ["t", "u"] }, false),
            (new() { Bucket = "b", Tags = ["t", "v"] }, true), (new() { Bucket = "b", Tags = ["u"], Types = ["type"] }, true),
            (new() { Tags = ["t"] }, true), (new() { Bucket = "b", Category = "", Tags = ["t"] }, true),
        ];
        foreach (var (criterion, holds) in cases)
        {
            var condition = new AppendCondition(new EventCriteria(criterion));
            var outcome = await CommitAsync(new CommitAttempt("target", SequentialGuid.Next(), [Event()]) { Condition = condition });
            Assert.Equal((criterion, holds), (criterion, outcome.Kind == CommitOutcomeKind.Committed));
        }
    }

    [Fact, Guarantee("G52")]
    public async Task Attempts_see_the_earlier_ones_of_their_batch_but_not_their_own_events()
    {
        CommitAttempt[] batch =
        [
            Attempt("a", ExpectedRevision.Any, "seat", Checkpoint.Origin), Attempt("b", ExpectedRevision.Any, "seat", Checkpoint.Origin),
            Attempt("c", ExpectedRevision.Any, "other", Checkpoint.Origin),
        ];
        var outcomes = await Engine.CommitAsync(batch);
        Assert.Equal(
            [CommitOutcomeKind.Committed, CommitOutcomeKind.ConditionNotMet, CommitOutcomeKind.Committed],
            outcomes.Select(outcome => outcome.Kind));
        Assert.Equal(outcomes[0].Commit!.FirstCheckpoint, outcomes[1].Checkpoint);
    }

    [Fact, Guarantee("G7", "G52")]
    public async Task A_repeated_commit_is_a_duplicate_although_its_own_events_now_stand_in_the_way()
    {
        var attempt = Attempt("a", ExpectedRevision.NoStream, "seat", Checkpoint.Origin);
        Assert.Equal(CommitOutcomeKind.Committed, (await CommitAsync(attempt)).Kind);
        Assert.Equal(CommitOutcomeKind.Duplicate, (await CommitAsync(attempt)).Kind);
        Assert.Single(await ReadAllAsync());
    }

    [Fact, Guarantee("G52")]
    public async Task A_condition_on_what_was_removed_meanwhile_is_refused_with_the_checkpoint()
    {
        var first = await AppendAsync("gone", Tagged("seat"));
        var last = await AppendAsync("kept", Tagged("seat"));
        await AppendAsync("gone", 2);
        var removed = (await AppendAsync("gone", 1)).LastCheckpoint;
        await AppendAsync("kept", 1);
        await Engine.DeleteStreamAsync("gone", StreamExpectation.Any);
        await ExpectAsync();
        if (Engine.Description.Capabilities.HasFlag(EngineCapabilities.Reopens))
        {
            await ReopenAsync();
            await ExpectAsync();
        }

        async Task ExpectAsync()
        {
            foreach (var after in (Checkpoint[])[first.FirstCheckpoint, last.FirstCheckpoint, new(removed.Value - 1)])
            {
                var outcome = await CommitAsync(Attempt("target", ExpectedRevision.Any, "free", after));
                Assert.Equal((CommitOutcomeKind.ConditionOutdated, removed), (outcome.Kind, outcome.Checkpoint));
            }

            // From the origin it asks what is stored now; from the removed checkpoint on nothing was removed.
            Assert.Equal(
                CommitOutcomeKind.ConditionNotMet,
                (await CommitAsync(Attempt("target", ExpectedRevision.Any, "seat", Checkpoint.Origin))).Kind);
            Assert.Equal(CommitOutcomeKind.Committed, (await CommitAsync(Attempt("target", ExpectedRevision.Any, "seat", removed))).Kind);
            await Engine.DeleteStreamAsync("target", StreamExpectation.Any);
            var refused = await CommitAsync(Attempt("x", ExpectedRevision.Any, "x", removed));
            removed = new Checkpoint(Math.Max(removed.Value, refused.Checkpoint.Value));
        }
    }

    [Theory(Timeout = 3 * Minute), Guarantee("G14", "G52")]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Of_racing_writers_whose_conditions_exclude_one_another_exactly_one_wins(int engines)
    {
        const int Writers = 16, Seats = 40;
        var opened = new List<IPersistenceEngine> { Engine };
        if (engines > 1) Require(EngineCapabilities.SharedWriting);
        while (opened.Count < engines) opened.Add(await OpenAsync());
        var won = new int[Seats];
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            for (var seat = 0; seat < Seats; seat++)
            {
                var attempt = Attempt($"writer-{writer}", ExpectedRevision.Any, $"seat:{seat}", Checkpoint.Origin);
                var outcome = await CommitAsync(opened[writer % engines], attempt);
                if (outcome.Kind == CommitOutcomeKind.Committed) Interlocked.Increment(ref won[seat]);
                else Assert.Equal(CommitOutcomeKind.ConditionNotMet, outcome.Kind);
            }
        })));
        Assert.All(won, winners => Assert.Equal(1, winners));
        Assert.Equal(Seats, (await ReadAllAsync()).Count);
        foreach (var engine in opened.Skip(1)) await engine.DisposeAsync();
    }

    private static CommitAttempt Attempt(StreamId stream, ExpectedRevision expected, string tag, Checkpoint after) =>
        new(stream, SequentialGuid.Next(), [Tagged(tag)])
        {
            Expected = expected,
            Condition = new AppendCondition(EventCriteria.Tagged(tag), after),
        };

    private static EventRecord Tagged(params string[] tags) =>
        new(SequentialGuid.Next(), "type", Encoding.UTF8.GetBytes("body"), default, tags);
}
