using static EventStore.Domain.Tests.AccountCommand;

namespace EventStore.Domain.Tests;

/// <summary>Given, when, then: what holds passes, and what does not shows how it differs.</summary>
public sealed class ScenarioTests
{
    [Fact]
    public void A_decider_is_tested_by_events()
    {
        Account.Decider.Given().When(new Open("Ada")).Then(new Opened("Ada"));
        Account.Decider.Given(new Opened("Ada"), new EventMessage(new Deposited(5))).When(new Withdraw(2))
            .Then(new Withdrawn(2)).ThenState(new Account("Ada", 3, 3, false));
        Account.Decider.Given(new Opened("Ada")).When(new Look()).ThenNothing();
        var refused = Account.Decider.Given().When(new Withdraw(1)).ThenThrows<InvalidOperationException>();
        Assert.Equal("The balance is too low.", refused.Message);
        Assert.Throws<ScenarioException>(() => Account.Decider.Given(new Closed()).When(new Deposit(1)));
    }

    [Fact]
    public void An_aggregate_is_tested_by_events()
    {
        Fold<Account> fold = Account.Decider;
        fold.Given(new Deposited(5)).When(state => new AccountObject(state), account => account.Withdraw(2))
            .Then(new Withdrawn(2)).ThenState(new Account(null, 3, 2, false));
        fold.Given().When(state => new AccountObject(state), account => account.Withdraw(2)).ThenThrows<InvalidOperationException>();
        fold.Given(new Deposited(5)).ThenState(new Account(null, 5, 1, false));
    }

    [Fact]
    public void A_difference_names_event_and_member()
    {
        var error = Assert.Throws<ScenarioException>(() => Account.Decider.Given().When(new Open("Ada"))
            .Then(new Opened("Bob"), new Deposited(1.50m)));
        Assert.Equal(
            """
            The events are not the expected ones (- expected, + actual):
              - 1: Opened { Owner = "Bob" }
              + 1: Opened { Owner = "Ada" }
                   Owner: expected "Bob", but was "Ada"
              - 2: Deposited { Amount = 1.5 }
            """, error.Message, ignoreLineEndingDifferences: true);
        error = Assert.Throws<ScenarioException>(() => Account.Decider.Given().When(new Deposit(1)).ThenNothing());
        Assert.EndsWith("\n  + 1: Deposited { Amount = 1 }", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<ScenarioException>(() => Account.Decider.Given().When(new Deposit(1)).ThenState(Account.None));
        Assert.Contains("\n    Balance: expected 0, but was 1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_thrown_is_shown_where_events_are_expected_and_the_other_way_round()
    {
        var error = Assert.Throws<ScenarioException>(() => Account.Decider.Given().When(new Withdraw(1)).Then(new Withdrawn(1)));
        Assert.Contains("InvalidOperationException", error.Message, StringComparison.Ordinal);
        Assert.IsType<InvalidOperationException>(error.InnerException);
        error = Assert.Throws<ScenarioException>(
            () => Account.Decider.Given().When(new Deposit(1)).ThenThrows<InvalidOperationException>());
        Assert.Contains("Deposited { Amount = 1 }", error.Message, StringComparison.Ordinal);
        Assert.Throws<ScenarioException>(() => Account.Decider.Given().When(new Withdraw(1)).ThenThrows<ArgumentException>());
    }

    [Fact]
    public void Events_with_collections_are_compared_by_their_elements()
    {
        var decider = new Decider<int, int>(0, (count, _) => [new Listed([1, .. Enumerable.Range(2, count)])], (state, _) => state);
        decider.Given().When(2).Then(new Listed([1, 2, 3]));
        var error = Assert.Throws<ScenarioException>(() => decider.Given().When(1).Then(new Listed([1, 2, 3])));
        Assert.Contains("Numbers: expected [1, 2, 3], but was [1, 2]", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Tags_and_headers_are_compared_where_a_message_is_expected()
    {
        var decider = new Decider<int, string>(
            0, (tag, _) => [new EventMessage(new Deposited(1), tags: [tag])], (state, _) => state);
        decider.Given().When("a").Then(new Deposited(1));
        decider.Given().When("a").Then(new EventMessage(new Deposited(1), tags: ["a"]));
        var error = Assert.Throws<ScenarioException>(
            () => decider.Given().When("a").Then(new EventMessage(new Deposited(1), tags: ["b"])));
        Assert.Contains("Tags: expected [\"b\"], but was [\"a\"]", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Committed_events_are_made_without_a_store()
    {
        var message = new EventMessage(new Deposited(2), new Dictionary<string, string> { ["a"] = "b" }, tags: ["t"]);
        var made = CommittedEvents.After("s", new Revision(4), new Deposited(1), message);
        Assert.Equal([5, 6], made.Select(committed => committed.Revision.Value));
        Assert.Equal((new Deposited(2), "b", "t"), (made[1].Body, made[1].Headers["a"], made[1].Tags[0]));
        var commit = CommittedEvents.CommitOf("s", new Deposited(1), message);
        Assert.Equal([(1, 1, 0), (2, 2, 1)], commit.Events.Select(
            committed => (committed.Revision.Value, committed.Checkpoint.Value, committed.IndexInCommit)));
        Assert.All(commit.Events, committed => Assert.Equal((commit.CommitId, 2), (committed.CommitId, committed.CommitEventCount)));
    }

    private sealed record Listed(IReadOnlyList<int> Numbers);
}
