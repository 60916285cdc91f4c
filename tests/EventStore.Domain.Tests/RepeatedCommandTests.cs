using static EventStore.Domain.Tests.AccountCommand;

namespace EventStore.Domain.Tests;

/// <summary>A command with an id is stored once, however often it is sent, and always has the same result.</summary>
public sealed class RepeatedCommandTests : DomainTest
{
    private static readonly CommandContext Context = CommandContext.Of(Guid.NewGuid());

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_repeated_command_has_the_same_result_and_stores_nothing(bool isCached)
    {
        var decider = Account.Decider with { Cache = isCached ? new(10) : null };
        await DepositAsync(1);
        var first = await ExecuteAsync(decider, new Deposit(5));
        await DepositAsync(3);
        var again = await ExecuteAsync(decider, new Deposit(5));
        Assert.Equal(first! with { IsDuplicate = true }, again);
        Assert.Equal(new Account(null, 9, 5, false), await FoldAsync());
        Assert.Equal(new Account(null, 9, 5, false), (await Store.LoadAsync(Stream, decider, Token)).State);
    }

    [Fact]
    public async Task A_command_that_the_later_state_refuses_is_known_by_its_id()
    {
        var first = await ExecuteAsync(Account.Decider, new Open("Ada"));
        Assert.Equal(first! with { IsDuplicate = true }, await ExecuteAsync(Account.Decider, new Open("Ada")));
        await Assert.ThrowsAsync<InvalidOperationException>(
            async () => await Store.ExecuteAsync(Stream, Account.Decider, new Open("Bob"), cancellationToken: Token));
    }

    [Fact]
    public async Task A_command_that_would_now_make_other_events_or_none_is_known_by_its_id()
    {
        var events = new Stack<object[]>([[], [new Deposited(2), new Deposited(3)], [new Deposited(1)]]);
        var decider = Account.Decider with { Decide = (_, _) => events.Pop() };
        var first = await ExecuteAsync(decider, new Look());
        Assert.Equal(first! with { IsDuplicate = true }, await ExecuteAsync(decider, new Look()));
        Assert.Equal(first with { IsDuplicate = true }, await ExecuteAsync(decider, new Look()));
        Assert.Empty(events);
        Assert.Equal(1, (await FoldAsync()).Events);
    }

    [Fact]
    public async Task A_command_whose_events_were_truncated_is_known_by_its_id()
    {
        var decider = Account.Decider with { Snapshots = SnapshotPolicy.Every(2) };
        var first = await ExecuteAsync(decider, new Open("Ada"));
        await Store.ExecuteAsync(Stream, decider, new Deposit(1), cancellationToken: Token);
        await Store.TruncateStreamAsync(Stream, new Revision(3), cancellationToken: Token);
        Assert.Equal(first! with { IsDuplicate = true }, await ExecuteAsync(decider, new Open("Ada")));
        Assert.Equal(first with { IsDuplicate = true }, await Store.FindCommitAsync(Stream, first.CommitId, Token));
    }

    [Fact(Timeout = 60_000)]
    public async Task Of_one_command_sent_by_many_at_once_one_is_stored_and_all_have_its_result()
    {
        // Every decision makes another event, so that the engine cannot take them for the same.
        var amount = 0;
        var other = await OpenAsync();
        var decider = Account.Decider with { Decide = (_, _) => [new Deposited(Interlocked.Increment(ref amount))] };
        var results = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(async () =>
            await (i % 2 == 0 ? Store : other).ExecuteAsync(Stream, decider, new Look(), Context, maxAttempts: 1_000))));
        Assert.Equal(1, (await FoldAsync()).Events);
        Assert.Single(results, result => !result!.IsDuplicate);
        Assert.Single(results.Select(result => result! with { IsDuplicate = true }).Distinct());
    }

    [Theory(Timeout = 60_000)]
    [InlineData(EngineFailure.LostAfter)]
    [InlineData(EngineFailure.LostBefore)]
    public async Task An_outcome_that_was_lost_is_settled(EngineFailure failure)
    {
        Engine.FailNext(failure);
        var first = await ExecuteAsync(Account.Decider, new Deposit(1));
        Assert.Equal((1, false), (first!.LastRevision.Value, first.IsDuplicate));
        Engine.FailNext(failure);
        var unit = await Store.ExecuteAsync(
            new CommandUnit().Add(Stream, Account.Decider, new Withdraw(1)).Add("b", Account.Decider, new Deposit(1)),
            cancellationToken: Token);
        Assert.Equal((2, false), (unit!.Commits.Count, unit.IsDuplicate));
        Assert.Equal([2, 1], unit.Commits.Select(commit => commit.LastRevision.Value));
    }

    [Fact]
    public async Task A_failure_of_the_storage_is_not_taken_for_a_repeated_command()
    {
        Engine.FailNext(EngineFailure.Unavailable);
        await Assert.ThrowsAsync<StorageUnavailableException>(async () => await ExecuteAsync(Account.Decider, new Deposit(1)));
        Assert.False((await ExecuteAsync(Account.Decider, new Deposit(1)))!.IsDuplicate);
    }

    private ValueTask<CommitResult?> ExecuteAsync(Decider<Account, AccountCommand> decider, AccountCommand command) =>
        Store.ExecuteAsync(Stream, decider, command, Context, cancellationToken: Token);
}
