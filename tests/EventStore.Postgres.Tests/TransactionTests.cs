using System.Data;
using Npgsql;

namespace EventStore.Postgres.Tests;

/// <summary>Events that become part of a transaction of the application.</summary>
public sealed class TransactionTests : IAsyncLifetime
{
    private readonly TestSchema schema = new();
    private NpgsqlDataSource? made;
    private IEventStore? opened;

    private NpgsqlDataSource Database => made ?? throw new InvalidOperationException("The test has not begun.");

    private IEventStore Store => opened ?? throw new InvalidOperationException("The test has not begun.");

    public async ValueTask InitializeAsync()
    {
        made = NpgsqlDataSource.Create(await TestSchema.AddressAsync());
        opened = await TestStores.BuildAsync(wireup => wireup.UsingPostgresPersistence(Database, schema.Options));
        await schema.RunAsync("CREATE TABLE {schema}.outbox (message text)");
    }

    public async ValueTask DisposeAsync()
    {
        if (opened is not null) await opened.DisposeAsync();
        if (made is not null) await made.DisposeAsync();
        await schema.DisposeAsync();
    }

    [Theory]
    [InlineData(IsolationLevel.ReadCommitted, true), InlineData(IsolationLevel.ReadCommitted, false)]
    [InlineData(IsolationLevel.RepeatableRead, true), InlineData(IsolationLevel.Serializable, true)]
    public async Task Events_and_the_rows_of_the_application_are_stored_together_or_not_at_all(IsolationLevel isolation, bool commits)
    {
        await Store.AppendAsync("order", "placed");
        await using var connection = await Database.OpenConnectionAsync();
        await using (var transaction = await connection.BeginTransactionAsync(isolation))
        {
            await using (var inside = await TestStores.BuildAsync(wireup => wireup.UsingPostgresPersistence(transaction, schema.Options)))
            {
                Assert.Equal(2, (await inside.AppendAsync("order", "paid")).LastRevision.Value);
                Assert.Equal(3, (await inside.AppendAsync("order", "shipped")).LastRevision.Value);
                Assert.Equal(3, (await inside.OpenStreamAsync("order")).CommittedEvents.Count);
                await Assert.ThrowsAsync<ConcurrencyException>(async () =>
                    await inside.AppendAsync("order", ExpectedRevision.NoStream, [new EventMessage("late")]));
            }

            await using var outbox = new NpgsqlCommand($"INSERT INTO {schema.Quoted}.outbox VALUES ('send the invoice')", connection,
                transaction);
            await outbox.ExecuteNonQueryAsync();
            Assert.Single((await Store.OpenStreamAsync("order")).CommittedEvents);
            if (commits) await transaction.CommitAsync();
            else await transaction.RollbackAsync();
        }

        Assert.Equal(commits ? 3 : 1, (await Store.OpenStreamAsync("order")).CommittedEvents.Count);
        Assert.Equal(commits ? 1L : 0L, await schema.RunAsync("SELECT count(*) FROM {schema}.outbox"));
        Assert.Equal(commits ? 4 : 2, (await Store.AppendAsync("order", "next")).LastCheckpoint.Value);
    }

    [Fact(Timeout = 60_000)]
    public async Task No_writer_overtakes_a_transaction_that_holds_checkpoints()
    {
        await Store.AppendAsync("other", "first");
        await using var connection = await Database.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using var inside = await TestStores.BuildAsync(wireup => wireup.UsingPostgresPersistence(transaction, schema.Options));
        var held = await inside.AppendAsync("order", "in the transaction");

        var overtaking = Store.AppendAsync("other", "second").AsTask();
        while (!true.Equals(
            await schema.RunAsync(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = "
                + "current_database()))"))) await Task.Delay(10);
        Assert.False(overtaking.IsCompleted);
        await transaction.CommitAsync();
        Assert.True((await overtaking).LastCheckpoint > held.LastCheckpoint);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_transaction_that_is_committed_wakes_waiting_callers()
    {
        await using var waiting = await TestStores.OpenEngineAsync(await TestSchema.AddressAsync(), schema.Options);
        var wait = waiting.WaitForCommitsAsync(new Checkpoint(0), TimeSpan.FromMinutes(5)).AsTask();
        await using var connection = await Database.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var inside = await TestStores.BuildAsync(
            wireup => wireup.UsingPostgresPersistence(transaction, schema.Options))) await inside.AppendAsync("order", "placed");
        Assert.False(wait.IsCompleted);
        await transaction.CommitAsync();
        await wait;
        Assert.Single(await waiting.ReadAllAsync());
    }

    [Fact]
    public async Task A_snapshot_of_the_transaction_that_others_outran_is_refused_and_may_be_tried_again()
    {
        await using var connection = await Database.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead);
        await using var inside = await TestStores.BuildAsync(wireup => wireup.UsingPostgresPersistence(transaction, schema.Options));
        await Store.AppendAsync("order", "placed by another");
        await Assert.ThrowsAsync<StorageUnavailableException>(async () => await inside.AppendAsync("order", "paid"));
        await transaction.RollbackAsync();
        Assert.Single((await Store.OpenStreamAsync("order")).CommittedEvents);
    }

    [Fact]
    public async Task A_transaction_that_is_over_is_refused()
    {
        await using var connection = await Database.OpenConnectionAsync();
        var transaction = await connection.BeginTransactionAsync();
        await using var inside = await TestStores.BuildAsync(wireup => wireup.UsingPostgresPersistence(transaction, schema.Options));
        await transaction.RollbackAsync();
        await Assert.ThrowsAsync<StorageException>(async () => await inside.AppendAsync("order", "too late"));
        Assert.Empty((await Store.OpenStreamAsync("order")).CommittedEvents);
        await Assert.ThrowsAsync<WireupException>(() =>
            TestStores.BuildAsync(wireup => wireup.UsingPostgresPersistence(transaction, schema.Options)).AsTask());
    }

    [Theory, InlineData("off", Durability.Fast), InlineData("local", Durability.Durable)]
    public async Task What_the_transaction_says_of_flushing_holds_for_commits_inside_it_and_is_described(string setting, Durability level)
    {
        await using var connection = await Database.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using var set = new NpgsqlCommand($"SET LOCAL synchronous_commit = {setting}", connection, transaction);
        await set.ExecuteNonQueryAsync();
        await using var inside = await TestStores.BuildAsync(wireup => wireup.UsingPostgresPersistence(transaction, schema.Options));
        await inside.AppendAsync("order", "placed");
        await using var show = new NpgsqlCommand("SHOW synchronous_commit", connection, transaction);
        Assert.Equal(setting, await show.ExecuteScalarAsync());
        var durability = inside.Describe().Engine.Durability;
        Assert.Equal(level, durability.Level);
        Assert.Contains($"synchronous_commit {setting}", durability.Basis, StringComparison.Ordinal);
        await transaction.CommitAsync();
    }

    // A stream's key is given again once the stream was rolled back.
    [Fact]
    public async Task A_stream_that_was_rolled_back_to_a_savepoint_gives_its_name_to_no_other()
    {
        await using var connection = await Database.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using var inside = await TestStores.BuildAsync(wireup => wireup.UsingPostgresPersistence(transaction, schema.Options));
        await transaction.SaveAsync("before");
        await inside.AppendAsync("rolled-back", "placed");
        Assert.Equal(["rolled-back"], await inside.ReadAllAsync().Select(committed => committed.Stream.Id).ToListAsync());
        await transaction.RollbackAsync("before");
        await inside.AppendAsync("kept", "placed");
        Assert.Equal(["kept"], await inside.ReadAllAsync().Select(committed => committed.Stream.Id).ToListAsync());
    }
}
