using static EventStore.Domain.Tests.AccountCommand;

namespace EventStore.Domain.Tests;

/// <summary>Snapshots are taken after commits, and are never needed for the right state while the events are there.</summary>
public sealed class SnapshotTests : DomainTest
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_snapshot_is_taken_every_so_many_events_and_spares_reading_those_before(bool isCached)
    {
        var decider = Account.Decider with { Snapshots = SnapshotPolicy.Every(10), Cache = isCached ? new(10) : null };
        for (var i = 0; i < 25; i++) await Store.ExecuteAsync(Stream, decider, new Deposit(1), cancellationToken: Token);
        var snapshot = await Store.Snapshots.FindAsync<Account>(Stream, cancellationToken: Token);
        Assert.Equal((20, 20), (snapshot!.Revision.Value, snapshot.State.Events));

        Counted.Reset();
        Assert.Equal(await FoldAsync(), (await Store.LoadAsync(Stream, decider with { Cache = null }, Token)).State);
        Assert.Equal(25 + 6, Counted.Events);
    }

    [Fact]
    public async Task A_snapshot_is_taken_by_size_and_by_age()
    {
        var bySize = Account.Decider with { Snapshots = new SnapshotPolicy { EveryBytes = 50 } };
        for (var i = 0; i < 7; i++) await Store.ExecuteAsync(Stream, bySize, new Deposit(1), cancellationToken: Token);
        var bytes = (await Store.OpenStreamAsync(Stream, cancellationToken: Token)).CommittedEvents[0].Payload.Length;
        var snapshot = await Store.Snapshots.FindAsync(Stream, cancellationToken: Token);
        Assert.Equal((50 + bytes - 1) / bytes, snapshot!.Revision.Value);

        StreamId aged = new("account", "2");
        var byAge = Account.Decider with { Snapshots = new SnapshotPolicy { MaxAge = TimeSpan.FromDays(2) } };
        for (var day = 0; day < 6; day++)
        {
            await Store.ExecuteAsync(aged, byAge, new Deposit(1), cancellationToken: Token);
            Time.Advance(TimeSpan.FromDays(1));
        }

        Assert.Equal(6, (await Store.Snapshots.FindAsync(aged, cancellationToken: Token))!.Revision.Value);
        Assert.Equal(3, (await Store.Snapshots.FindAsync(aged, atMost: new Revision(5), cancellationToken: Token))!.Revision.Value);
    }

    [Fact]
    public async Task A_snapshot_that_fails_is_logged_and_the_command_succeeds()
    {
        Counted.BeforeSnapshots(() => throw new StorageUnavailableException("The disk is full. Try again."));
        var decider = Account.Decider with { Snapshots = SnapshotPolicy.Every(2), Cache = new(10) };
        for (var i = 0; i < 3; i++) Assert.NotNull(await Store.ExecuteAsync(Stream, decider, new Deposit(1), cancellationToken: Token));
        Assert.Equal(2, Log.Written.Count(line => line.Contains("no snapshot was taken", StringComparison.Ordinal)));
        Counted.BeforeSnapshots(null);
        await Store.ExecuteAsync(Stream, decider, new Deposit(1), cancellationToken: Token);
        Assert.Equal(4, (await Store.Snapshots.FindAsync(Stream, cancellationToken: Token))!.Revision.Value);
    }

    [Fact]
    public async Task After_a_crash_between_commit_and_snapshot_the_next_process_has_the_state_and_takes_it()
    {
        var decider = Account.Decider with { Snapshots = SnapshotPolicy.Every(3) };
        for (var i = 0; i < 2; i++) await Store.ExecuteAsync(Stream, decider, new Deposit(1), cancellationToken: Token);
        Counted.BeforeSnapshots(() => throw new OperationCanceledException());
        await Store.ExecuteAsync(Stream, decider, new Deposit(1), cancellationToken: Token);
        await Store.DisposeAsync();
        Counted.BeforeSnapshots(null);

        var next = await OpenAsync();
        Assert.Null(await next.Snapshots.FindAsync(Stream, cancellationToken: Token));
        Assert.Equal(3, (await next.LoadAsync(Stream, decider, Token)).State.Events);
        await next.ExecuteAsync(Stream, decider, new Deposit(1), cancellationToken: Token);
        var snapshot = await next.Snapshots.FindAsync<Account>(Stream, cancellationToken: Token);
        Assert.Equal((4, 4), (snapshot!.Revision.Value, snapshot.State.Events));
    }

    [Fact]
    public async Task A_snapshot_of_an_older_schema_version_is_not_used_and_one_of_the_new_version_is_taken()
    {
        var old = Account.Decider with { Snapshots = SnapshotPolicy.Every(5) };
        for (var i = 0; i < 6; i++) await Store.ExecuteAsync(Stream, old, new Deposit(1), cancellationToken: Token);

        // The new form counts an event as two.
        var now = Account.Decider with
        {
            Evolve = (account, @event) => Account.Evolve(account, @event) with { Events = account.Events + 2 },
            Snapshots = SnapshotPolicy.Every(5, schemaVersion: 1),
        };
        Assert.Equal(12, (await Store.LoadAsync(Stream, now, Token)).State.Events);
        await Store.ExecuteAsync(Stream, now, new Deposit(1), cancellationToken: Token);
        var snapshot = await Store.Snapshots.FindAsync<Account>(Stream, schemaVersion: 1, cancellationToken: Token);
        Assert.Equal((7, 14), (snapshot!.Revision.Value, snapshot.State.Events));
        Assert.Equal(7, (await Store.LoadAsync(Stream, old, Token)).State.Events);

        await Store.TruncateStreamAsync(Stream, new Revision(8), cancellationToken: Token);
        Assert.Equal(14, (await Store.LoadAsync(Stream, now, Token)).State.Events);
        await Assert.ThrowsAsync<StreamTruncatedException>(async () => await Store.LoadAsync(Stream, old, Token));
    }

    [Fact]
    public async Task A_snapshot_that_cannot_be_read_is_logged_and_all_events_are_read()
    {
        await DepositAsync(3);
        await Store.Snapshots.SaveAsync(new Snapshot(Stream, new Revision(2), new Opened("not an account")), Token);
        var decider = Account.Decider with { Snapshots = SnapshotPolicy.Every(100) };
        Assert.Equal(3, (await Store.LoadAsync(Stream, decider, Token)).State.Events);
        Assert.Single(Log.Written, line => line.Contains("cannot be read as Account", StringComparison.Ordinal));
    }

    [Fact]
    public void A_policy_refuses_values_out_of_range()
    {
        Assert.Throws<InvalidOptionException>(() => SnapshotPolicy.Every(0));
        Assert.Throws<InvalidOptionException>(() => SnapshotPolicy.Every(1, -1));
        Assert.Throws<InvalidOptionException>(() => new SnapshotPolicy { EveryBytes = 0 });
        Assert.Throws<InvalidOptionException>(() => new SnapshotPolicy { MaxAge = TimeSpan.Zero });
        Assert.Throws<ArgumentOutOfRangeException>(() => new StateCache<Account>(0));
    }
}
