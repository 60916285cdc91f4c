namespace EventStore.Domain.Tests;

/// <summary>Aggregates are loaded, act and are saved, with or without the base class.</summary>
public sealed class AggregateTests : DomainTest
{
    private IAggregateRepository<AccountObject> Accounts => Store.AggregatesOf(
        Account.Decider with { Snapshots = SnapshotPolicy.Every(3), Cache = new(10) }, state => new AccountObject(state));

    [Fact]
    public async Task An_aggregate_is_loaded_acts_and_is_saved_again_and_again()
    {
        var accounts = Accounts;
        var account = await accounts.LoadAsync(Stream, Token);
        Assert.Null(await accounts.SaveAsync(Stream, account, cancellationToken: Token));
        account.Deposit(10);
        account.Withdraw(3);
        Assert.Equal(7, account.State.Balance);
        Assert.Equal(2, (await accounts.SaveAsync(Stream, account, cancellationToken: Token))!.EventCount);
        Assert.Empty(account.UncommittedEvents);
        account.Withdraw(2);
        await accounts.SaveAsync(Stream, account, cancellationToken: Token);
        Assert.Equal(5, (await accounts.LoadAsync(Stream, Token)).State.Balance);
        Assert.Equal(3, (await Store.Snapshots.FindAsync(Stream, cancellationToken: Token))!.Revision.Value);
        Assert.Equal(new Account(null, 5, 3, false), await FoldAsync());
    }

    [Fact]
    public async Task A_new_aggregate_is_a_new_stream()
    {
        var accounts = Accounts;
        var account = new AccountObject(Account.None);
        account.Deposit(1);
        await accounts.SaveAsync(Stream, account, cancellationToken: Token);
        await Assert.ThrowsAsync<ArgumentException>(async () => await accounts.SaveAsync("other", account, cancellationToken: Token));
        var second = new AccountObject(Account.None);
        second.Deposit(1);
        await Assert.ThrowsAsync<ConcurrencyException>(async () => await accounts.SaveAsync(Stream, second, cancellationToken: Token));
    }

    [Fact]
    public async Task An_aggregate_that_another_writer_changed_is_refused_and_keeps_its_events()
    {
        var accounts = Accounts;
        var account = await accounts.LoadAsync(Stream, Token);
        account.Deposit(1);
        await DepositAsync(1);
        await Assert.ThrowsAsync<ConcurrencyException>(async () => await accounts.SaveAsync(Stream, account, cancellationToken: Token));
        Assert.Single(account.UncommittedEvents);
        Assert.Equal(1, (await FoldAsync()).Events);
    }

    [Fact(Timeout = 120_000)]
    public async Task Calls_at_once_are_repeated_until_none_is_lost()
    {
        var (accounts, others) = (Accounts, (await OpenAsync()).AggregatesOf(Account.Decider, state => new AccountObject(state)));
        await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(async () =>
        {
            for (var n = 0; n < 5; n++)
            {
                if (i % 2 == 0) await accounts.ExecuteAsync(Stream, account => account.Deposit(1), maxAttempts: 1_000);
                else await others.ExecuteAsync(Stream, account => account.DepositLaterAsync(1), maxAttempts: 1_000);
            }
        })));
        Assert.Equal(new Account(null, 80, 80, false), await FoldAsync());
    }

    [Fact]
    public async Task A_repeated_call_has_the_same_result_and_stores_nothing()
    {
        var accounts = Accounts;
        var context = CommandContext.Of(Guid.NewGuid());
        await accounts.ExecuteAsync(Stream, account => account.Deposit(5), cancellationToken: Token);
        var first = await accounts.ExecuteAsync(Stream, account => account.Withdraw(4), context, cancellationToken: Token);
        var again = await accounts.ExecuteAsync(Stream, account => account.Withdraw(4), context, cancellationToken: Token);
        Assert.Equal(first! with { IsDuplicate = true }, again);
        var loaded = await accounts.LoadAsync(Stream, Token);
        loaded.Deposit(9);
        Assert.Equal(again, await accounts.SaveAsync(Stream, loaded, context, Token));
        Assert.Equal(1, (await FoldAsync()).Balance);
    }

    [Fact]
    public async Task A_class_of_its_own_needs_no_base()
    {
        var counters = Store.AggregatesOf(new Fold<int>(0, (count, _) => count + 1), count => new Counter(count));
        for (var i = 0; i < 3; i++) await counters.ExecuteAsync(Stream, counter => counter.Count(), cancellationToken: Token);
        Assert.Equal(3, (await counters.LoadAsync(Stream, Token)).State);
    }

    private sealed class Counter(int start) : IAggregate<int>
    {
        private readonly List<object> counted = [];
        private int count = start;

        public int State => count + counted.Count;

        public IReadOnlyList<object> UncommittedEvents => counted;

        public void ClearUncommittedEvents()
        {
            count = State;
            counted.Clear();
        }

        public void Count() => counted.Add(new Deposited(1));
    }
}
