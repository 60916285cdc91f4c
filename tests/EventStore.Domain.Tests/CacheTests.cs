using static EventStore.Domain.Tests.AccountCommand;

namespace EventStore.Domain.Tests;

/// <summary>A cached state costs one small read, and is never outdated.</summary>
public sealed class CacheTests : DomainTest
{
    private readonly Decider<Account, AccountCommand> decider =
        Account.Decider with { Cache = new(2), Snapshots = SnapshotPolicy.Every(5) };

    [Fact]
    public async Task A_hot_stream_costs_one_read_of_one_event()
    {
        for (var i = 0; i < 8; i++) await Store.ExecuteAsync(Stream, decider, new Deposit(1), cancellationToken: Token);
        Counted.Reset();
        await Store.ExecuteAsync(Stream, decider, new Deposit(1), CommandContext.Of(Guid.NewGuid()), cancellationToken: Token);
        Assert.Equal((1, 1), (Counted.Reads, Counted.Events));
        Assert.Equal(9, (await Store.LoadAsync(Stream, decider, Token)).State.Events);
    }

    [Fact]
    public async Task What_another_process_stored_is_seen()
    {
        var other = await OpenAsync();
        await Store.ExecuteAsync(Stream, decider, new Deposit(1), cancellationToken: Token);
        await DepositAsync(7, other);
        Counted.Reset();
        Assert.Equal(8, (await Store.LoadAsync(Stream, decider, Token)).State.Balance);
        Assert.Equal((1, 8), (Counted.Reads, Counted.Events));
        Counted.Reset();
        Assert.Equal(8, (await Store.LoadAsync(Stream, decider, Token)).State.Balance);
        Assert.Equal((1, 1), (Counted.Reads, Counted.Events));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(9)]
    public async Task A_stream_that_was_deleted_by_another_process_and_created_again_is_not_taken_for_the_old_one(int events)
    {
        var other = await OpenAsync();
        for (var i = 0; i < 3; i++) await Store.ExecuteAsync(Stream, decider, new Deposit(100), cancellationToken: Token);
        await other.DeleteStreamAsync(Stream, Token);
        await DepositAsync(events, other);
        Assert.Equal(events, (await Store.LoadAsync(Stream, decider, Token)).State.Balance);
        await Store.ExecuteAsync(Stream, decider, new Deposit(1), maxAttempts: 1, cancellationToken: Token);
        Assert.Equal(await FoldAsync(), (await Store.LoadAsync(Stream, decider, Token)).State);
    }

    [Theory]
    [InlineData(4, true)]
    [InlineData(8, true)]
    [InlineData(9, true)]
    [InlineData(11, false)]
    [InlineData(13, false)]
    public async Task A_truncated_stream_is_continued_where_no_event_is_missing(int before, bool isCacheEnough)
    {
        var other = await OpenAsync();
        var withoutSnapshots = decider with { Snapshots = null };
        for (var i = 0; i < 8; i++) await Store.ExecuteAsync(Stream, withoutSnapshots, new Deposit(1), cancellationToken: Token);
        await DepositAsync(4, other);
        var whole = await other.LoadAsync(Stream, Account.Decider, Token);
        await other.TruncateStreamAsync(Stream, new Revision(before), cancellationToken: Token);
        if (isCacheEnough) Assert.Equal(whole, await Store.LoadAsync(Stream, withoutSnapshots, Token));
        else
            await Assert.ThrowsAsync<StreamTruncatedException>(async () => await Store.LoadAsync(Stream, withoutSnapshots, Token));

        await Store.Snapshots.SaveAsync(new Snapshot(Stream, new Revision(12), whole.State), Token);
        Assert.Equal(whole, await Store.LoadAsync(Stream, decider, Token));
    }

    [Fact]
    public async Task A_state_above_the_head_as_of_storage_that_was_set_back_is_not_used()
    {
        await DepositAsync(3);
        decider.Cache!.Put(Store, Stream, new(new Account("later", 9, 9, false), new Revision(9), new Checkpoint(1)));
        Assert.Equal(await FoldAsync(), (await Store.LoadAsync(Stream, decider, Token)).State);
        Assert.Equal(4, (await Store.ExecuteAsync(Stream, decider, new Deposit(1), cancellationToken: Token))!.LastRevision.Value);
    }

    [Fact]
    public async Task No_more_states_are_kept_than_the_capacity_and_those_used_last_stay()
    {
        StreamId[] streams = ["a", "b", "c"];
        foreach (var stream in streams) await Store.ExecuteAsync(stream, decider, new Deposit(1), cancellationToken: Token);
        await Store.ExecuteAsync(streams[1], decider, new Deposit(1), cancellationToken: Token);
        await Store.ExecuteAsync(streams[0], decider, new Deposit(1), cancellationToken: Token);
        Assert.NotNull(decider.Cache!.Find(Store, streams[0]));
        Assert.NotNull(decider.Cache.Find(Store, streams[1]));
        Assert.Null(decider.Cache.Find(Store, streams[2]));
        Assert.Null(decider.Cache.Find(await OpenAsync(), streams[0]));
    }

    [Fact]
    public async Task A_conflict_leaves_no_state_of_events_that_were_not_stored()
    {
        await Store.ExecuteAsync(Stream, decider, new Deposit(1), cancellationToken: Token);
        Engine.FailNext(EngineFailure.Conflict);
        await Assert.ThrowsAsync<ConcurrencyException>(
            async () => await Store.ExecuteAsync(Stream, decider, new Deposit(5), maxAttempts: 1, cancellationToken: Token));
        Assert.Equal(1, (await Store.LoadAsync(Stream, decider, Token)).State.Balance);
    }

    /// <summary>Random commands, deletions and truncations by two processes. All ways to the state agree after each.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Cached_states_equal_a_fold_whatever_happens_to_the_streams(int seed)
    {
        var random = new Random(seed);
        var other = await OpenAsync();
        StreamId[] streams = ["a", "b", "c"];
        var expected = streams.ToDictionary(stream => stream, _ => Account.None);
        for (var step = 0; step < 400; step++)
        {
            var stream = streams[random.Next(streams.Length)];
            var store = random.Next(2) == 0 ? Store : other;
            switch (random.Next(12))
            {
                case 0:
                    await store.DeleteStreamAsync(stream, Token);
                    expected[stream] = Account.None;
                    break;
                case 1 when await store.Snapshots.FindAsync(stream, cancellationToken: Token) is { } snapshot:
                    await store.TruncateStreamAsync(stream, snapshot.Revision + random.Next(2), cancellationToken: Token);
                    break;
                default:
                    await store.ExecuteAsync(stream, decider, new Deposit(step), cancellationToken: Token);
                    expected[stream] = Account.Evolve(expected[stream], new Deposited(step));
                    break;
            }

            Assert.Equal(expected[stream], (await Store.LoadAsync(stream, decider, Token)).State);
            Assert.Equal(expected[stream], (await other.LoadAsync(stream, decider, Token)).State);
            Assert.Equal(expected[stream], (await other.LoadAsync(stream, decider with { Cache = null }, Token)).State);
        }
    }
}
