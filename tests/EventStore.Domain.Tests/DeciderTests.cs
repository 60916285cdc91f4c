using static EventStore.Domain.Tests.AccountCommand;

namespace EventStore.Domain.Tests;

/// <summary>A command is decided on the state of its stream and appended where nothing came between.</summary>
public sealed class DeciderTests : DomainTest
{
    [Fact]
    public async Task A_command_is_decided_on_what_was_stored_before()
    {
        var opened = await Store.ExecuteAsync(Stream, Account.Decider, new Open("Ada"), cancellationToken: Token);
        await Store.ExecuteAsync(Stream, Account.Decider, new Deposit(10), cancellationToken: Token);
        var withdrawn = await Store.ExecuteAsync(Stream, Account.Decider, new Withdraw(4), cancellationToken: Token);
        Assert.Equal((1, 3), (opened!.LastRevision.Value, withdrawn!.LastRevision.Value));
        await Assert.ThrowsAsync<InvalidOperationException>(
            async () => await Store.ExecuteAsync(Stream, Account.Decider, new Withdraw(7), cancellationToken: Token));
        Assert.Null(await Store.ExecuteAsync(Stream, Account.Decider, new Look(), cancellationToken: Token));
        var (state, revision) = await Store.LoadAsync(Stream, Account.Decider, Token);
        Assert.Equal((new Account("Ada", 6, 3, false), new Revision(3)), (state, revision));
    }

    [Fact]
    public async Task A_stream_that_does_not_exist_costs_one_read_and_has_the_initial_state()
    {
        Counted.Reset();
        Assert.Equal(new(Account.None, Revision.None), await Store.LoadAsync(Stream, Account.Decider, Token));
        Assert.Equal(1, Counted.Reads);
    }

    [Theory(Timeout = 120_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Of_many_commands_at_once_from_two_processes_none_is_lost(bool isCached)
    {
        var other = await OpenAsync();
        var decider = Account.Decider with { Cache = isCached ? new(10) : null };
        await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(async () =>
        {
            for (var n = 0; n < 10; n++)
                await (i % 2 == 0 ? Store : other).ExecuteAsync(Stream, decider, new Deposit(1), maxAttempts: 1_000);
        })));
        Assert.Equal(new Account(null, 160, 160, false), await FoldAsync());
        Assert.Equal(new Account(null, 160, 160, false), (await other.LoadAsync(Stream, decider, Token)).State);
    }

    [Fact]
    public async Task Conflicts_are_retried_a_bounded_number_of_times()
    {
        var decided = 0;
        var decider = Account.Decider with { Decide = Count };
        Engine.FailNext(EngineFailure.Conflict, EngineFailure.Conflict);
        Assert.NotNull(await Store.ExecuteAsync(Stream, decider, new Deposit(1), maxAttempts: 3, cancellationToken: Token));
        Assert.Equal(3, decided);

        Engine.FailNext(EngineFailure.Conflict, EngineFailure.Conflict, EngineFailure.Conflict);
        await Assert.ThrowsAsync<ConcurrencyException>(
            async () => await Store.ExecuteAsync(Stream, decider, new Deposit(1), maxAttempts: 3, cancellationToken: Token));
        Assert.Equal(6, decided);

        IEnumerable<object> Count(AccountCommand command, Account account)
        {
            decided++;
            return Account.Decide(command, account);
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task A_stream_that_was_deleted_and_created_again_between_reading_and_writing_is_decided_again()
    {
        var other = await OpenAsync();
        await DepositAsync(1);
        Counted.BeforeNextCommit(async () =>
        {
            await other.DeleteStreamAsync(Stream, Token);
            await DepositAsync(1, other);
        });
        List<decimal> seen = [];
        var decider = Account.Decider with
        {
            Decide = (_, account) =>
            {
                seen.Add(account.Events);
                return [new Withdrawn(1)];
            },
        };
        var result = await Store.ExecuteAsync(Stream, decider, new Look(), cancellationToken: Token);
        Assert.Equal(new Revision(2), result!.LastRevision);
        Assert.Equal([1, 1], seen);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_stream_that_was_deleted_and_created_again_between_two_pages_is_decided_again()
    {
        var other = await OpenAsync();
        await Store.AppendAsync(Stream, ExpectedRevision.Any, [.. Enumerable.Repeat(0, 600).Select(_ => new Deposited(1))], Token);
        Counted.AfterNextRead(async () =>
        {
            await other.DeleteStreamAsync(Stream, Token);
            await DepositAsync(2, other);
        });
        var result = await Store.ExecuteAsync(Stream, Account.Decider, new Deposit(1), cancellationToken: Token);
        Assert.Equal(3, result!.LastRevision.Value);
    }

    [Fact]
    public async Task A_terminal_state_refuses_every_command_but_a_repeated_one()
    {
        var id = Guid.NewGuid();
        var closed = await Store.ExecuteAsync(Stream, Account.Decider, new Close(), CommandContext.Of(id), cancellationToken: Token);
        await Assert.ThrowsAsync<CommitRefusedException>(
            async () => await Store.ExecuteAsync(Stream, Account.Decider, new Deposit(1), cancellationToken: Token));
        var again = await Store.ExecuteAsync(Stream, Account.Decider, new Close(), CommandContext.Of(id), cancellationToken: Token);
        Assert.Equal(closed! with { IsDuplicate = true }, again);
    }

    [Fact]
    public async Task A_truncated_stream_without_a_snapshot_is_refused()
    {
        await DepositAsync(5);
        await Store.TruncateStreamAsync(Stream, new Revision(3), cancellationToken: Token);
        var error = await Assert.ThrowsAsync<StreamTruncatedException>(
            async () => await Store.ExecuteAsync(Stream, Account.Decider, new Deposit(1), cancellationToken: Token));
        Assert.Equal(new Revision(3), error.FirstRevision);
        await Store.TruncateStreamAsync(Stream, new Revision(6), cancellationToken: Token);
        await Assert.ThrowsAsync<StreamTruncatedException>(async () => await Store.LoadAsync(Stream, Account.Decider, Token));
    }

    [Fact]
    public async Task A_long_stream_is_folded_in_parts()
    {
        for (var i = 0; i < 3; i++)
            await Store.AppendAsync(Stream, ExpectedRevision.Any, [.. Enumerable.Repeat(0, 4_096).Select(_ => new Deposited(1))], Token);
        var loaded = await Store.LoadAsync(Stream, Account.Decider, Token);
        Assert.Equal((3 * 4_096, 3 * 4_096), (loaded.State.Events, loaded.Revision.Value));
        Assert.NotNull(await Store.ExecuteAsync(Stream, Account.Decider, new Deposit(1), maxAttempts: 1, cancellationToken: Token));
    }

    [Fact]
    public async Task Ids_of_the_command_become_headers_of_its_events()
    {
        var id = Guid.NewGuid();
        var context = CommandContext.Of(id) with { Headers = new Dictionary<string, string> { ["user"] = "ada" } };
        await Store.ExecuteAsync(Stream, Account.Decider, new Deposit(1), context, cancellationToken: Token);
        var first = await LastAsync();
        Assert.Equal(id, first.CommitId);
        Assert.Equal($"{id}", first.Headers[EventHeaders.CorrelationId]);
        Assert.Equal($"{id}", first.Headers[EventHeaders.CausationId]);
        Assert.Equal("ada", first.Headers["user"]);

        await Store.ExecuteAsync(Stream, Account.Decider, new Deposit(1), CommandContext.CausedBy(first), cancellationToken: Token);
        var second = await LastAsync();
        Assert.Equal($"{id}", second.Headers[EventHeaders.CorrelationId]);
        Assert.Equal($"{first.EventId}", second.Headers[EventHeaders.CausationId]);

        await Store.ExecuteAsync(Stream, Account.Decider, new Deposit(1), cancellationToken: Token);
        var plain = await LastAsync();
        Assert.Empty(plain.Headers);
        Assert.Equal($"{plain.EventId}", CommandContext.CausedBy(plain).CorrelationId);

        var own = new EventMessage(
            new Deposited(1), new Dictionary<string, string> { [EventHeaders.CorrelationId] = "own" }, tags: ["tag"]);
        var decider = Account.Decider with { Decide = (_, _) => [own] };
        await Store.ExecuteAsync(
            Stream, decider, new Look(), context with { CommandId = Guid.NewGuid() }, cancellationToken: Token);
        var kept = await LastAsync();
        Assert.Equal(("own", own.EventId), (kept.Headers[EventHeaders.CorrelationId], kept.EventId));
        Assert.Equal(["tag"], kept.Tags);
    }

    [Fact]
    public async Task A_decision_that_returns_null_and_an_id_of_zeros_are_refused()
    {
        var decider = Account.Decider with { Decide = (_, _) => null! };
        await Assert.ThrowsAsync<InvalidOperationException>(
            async () => await Store.ExecuteAsync(Stream, decider, new Look(), cancellationToken: Token));
        Assert.Throws<ArgumentException>(() => CommandContext.Of(Guid.Empty));
    }

    private async Task<CommittedEvent> LastAsync() =>
        (await Store.FindLastEventAsync(new EventQuery { Category = "account" }, Token))!;
}
