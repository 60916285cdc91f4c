using static EventStore.Domain.Tests.AccountCommand;

namespace EventStore.Domain.Tests;

/// <summary>Commands whose boundary is not one stream: all events of a tag, or several streams together.</summary>
public sealed class BoundaryTests : DomainTest
{
    private static readonly StreamId From = new("account", "from");
    private static readonly StreamId To = new("account", "to");

    // A name is taken by the first that takes it, in whichever stream.
    private static readonly Decider<int, string> Names = new(
        0, (name, taken) => taken == 0 ? [new EventMessage(new Opened(name), tags: [$"name:{name}"])] : [], (taken, _) => taken + 1);

    [Fact(Timeout = 60_000)]
    public async Task Of_commands_at_once_that_exclude_one_another_by_a_tag_one_stores()
    {
        var other = await OpenAsync();
        var results = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(async () =>
            await (i % 2 == 0 ? Store : other).ExecuteAsync(
                EventCriteria.Tagged("name:ada"), new StreamId("account", $"{i}"), Names, "ada", maxAttempts: 1_000))));
        Assert.Single(results, result => result is not null);
        Assert.Single((await Store.SelectAsync(EventCriteria.Tagged("name:ada"), cancellationToken: Token)).Events);
        Assert.NotNull(await Store.ExecuteAsync(EventCriteria.Tagged("name:bob"), Stream, Names, "bob", cancellationToken: Token));
    }

    [Fact]
    public async Task A_repeated_command_over_a_tag_has_the_same_result_and_its_headers_are_on_the_events()
    {
        var context = CommandContext.Of(Guid.NewGuid());
        var first = await TakeAsync(context);
        Assert.Equal(first! with { IsDuplicate = true }, await TakeAsync(context));
        Assert.Null(await TakeAsync(CommandContext.Of(Guid.NewGuid())));
        var stored = Assert.Single((await Store.SelectAsync(EventCriteria.Tagged("name:ada"), cancellationToken: Token)).Events);
        Assert.Equal($"{context.CommandId}", stored.Headers[EventHeaders.CausationId]);

        ValueTask<CommitResult?> TakeAsync(CommandContext with) =>
            Store.ExecuteAsync(EventCriteria.Tagged("name:ada"), Stream, Names, "ada", with, cancellationToken: Token);
    }

    [Fact]
    public async Task Commands_to_several_streams_store_together_or_not_at_all()
    {
        await Store.ExecuteAsync(From, Account.Decider, new Deposit(10), cancellationToken: Token);
        var result = await TransferAsync(4);
        Assert.Equal([From, To], result!.Commits.Select(commit => commit.Stream));
        Assert.Equal((6, 4), await BalancesAsync());
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await TransferAsync(7));
        Assert.Equal((6, 4), await BalancesAsync());
    }

    [Fact]
    public async Task A_repeated_unit_has_the_same_result_also_where_a_command_made_nothing()
    {
        await Store.ExecuteAsync(From, Account.Decider, new Deposit(10), cancellationToken: Token);
        var context = CommandContext.Of(Guid.NewGuid());
        var first = await TransferAsync(8, context);
        var again = await TransferAsync(8, context);
        Assert.Equal(first!.Commits.Select(commit => commit with { IsDuplicate = true }), again!.Commits);
        Assert.True(again.IsDuplicate);
        Assert.Equal((2, 8), await BalancesAsync());

        var half = new CommandUnit().Add(From, Account.Decider, new Look()).Add(To, Account.Decider, new Withdraw(5));
        var other = CommandContext.Of(Guid.NewGuid());
        Assert.Equal([To], (await Store.ExecuteAsync(half, other, cancellationToken: Token))!.Commits.Select(commit => commit.Stream));
        Assert.True((await Store.ExecuteAsync(half, other, cancellationToken: Token))!.IsDuplicate);
        var none = new CommandUnit().Add(From, Account.Decider, new Look());
        Assert.Null(await Store.ExecuteAsync(none, CommandContext.Of(Guid.NewGuid()), cancellationToken: Token));
    }

    [Fact]
    public async Task An_id_that_belongs_to_another_unit_is_not_taken_for_this_one()
    {
        var context = CommandContext.Of(Guid.NewGuid());
        await Store.ExecuteAsync(
            new CommandUnit().Add(From, Account.Decider, new Deposit(10)).Add(Stream, Account.Decider, new Deposit(1)),
            context,
            cancellationToken: Token);
        await Assert.ThrowsAsync<CommitIdReusedException>(async () => await Store.ExecuteAsync(
            new CommandUnit().Add(From, Account.Decider, new Withdraw(1)).Add(To, Account.Decider, new Deposit(1)),
            context,
            cancellationToken: Token));
        Assert.Equal((10, 0), await BalancesAsync());
    }

    [Theory(Timeout = 120_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Units_at_once_from_two_processes_lose_nothing(bool isKept)
    {
        var other = await OpenAsync();
        var decider = isKept ? Account.Decider with { Cache = new(10), Snapshots = SnapshotPolicy.Every(7) } : Account.Decider;
        await Store.ExecuteAsync(From, decider, new Deposit(1_000), cancellationToken: Token);
        await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(async () =>
        {
            for (var n = 0; n < 4; n++)
            {
                var unit = new CommandUnit().Add(From, decider, new Withdraw(1)).Add(To, decider, new Deposit(1));
                await (i % 2 == 0 ? Store : other).ExecuteAsync(unit, maxAttempts: 1_000);
            }
        })));
        Assert.Equal((936, 64), await BalancesAsync());
        Assert.Equal(64, (await Store.LoadAsync(To, decider, Token)).State.Balance);
        Assert.Equal(isKept, (await Store.Snapshots.FindAsync(To, cancellationToken: Token)) is not null);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_unit_whose_stream_was_deleted_and_created_again_decides_again()
    {
        var other = await OpenAsync();
        await Store.ExecuteAsync(From, Account.Decider, new Deposit(10), cancellationToken: Token);
        Counted.BeforeNextCommit(async () =>
        {
            await other.DeleteStreamAsync(From, Token);
            await other.AppendAsync(From, new Deposited(1), Token);
        });
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await TransferAsync(5));
        Assert.Equal((1, 0), await BalancesAsync());
    }

    [Fact]
    public async Task A_unit_has_commands_and_one_for_each_stream()
    {
        var unit = new CommandUnit().Add(From, Account.Decider, new Deposit(1));
        Assert.Throws<ArgumentException>(() => unit.Add(From, Account.Decider, new Deposit(1)));
        await Assert.ThrowsAsync<InvalidOperationException>(
            async () => await Store.ExecuteAsync(new CommandUnit(), cancellationToken: Token));
    }

    private ValueTask<UnitResult?> TransferAsync(decimal amount, CommandContext? context = null) => Store.ExecuteAsync(
        new CommandUnit().Add(From, Account.Decider, new Withdraw(amount)).Add(To, Account.Decider, new Deposit(amount)),
        context,
        cancellationToken: Token);

    private async Task<(decimal From, decimal To)> BalancesAsync() => ((await FoldAsync(From)).Balance, (await FoldAsync(To)).Balance);
}
