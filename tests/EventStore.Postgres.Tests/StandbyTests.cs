using System.Diagnostics;
using EventStore.TestServers;
using Npgsql;

namespace EventStore.Postgres.Tests;

/// <summary>
/// A real standby that follows a real primary by streaming replication: it is read while it follows, and takes over when it is promoted.
/// </summary>
public sealed class StandbyTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 180_000)]
    public async Task A_standby_is_read_while_it_follows_and_written_once_it_is_promoted()
    {
        await using var primary = await PrivatePostgres.StartAsync();
        primary.SkipUnlessItCanHaveAStandby();
        await using var writing = await TestStores.OpenEngineAsync(primary.Address, new PostgresOptions());
        for (var i = 0; i < 50; i++) await writing.CommitAsync(TestStores.Attempt($"stream-{i % 7}", ExpectedRevision.Any));

        await using var standby = await primary.StartStandbyAsync();
        var reading = await TestStores.OpenEngineAsync(standby.Address, new PostgresOptions(), mayCreate: false);
        Assert.Contains(reading.Description.Durability.Warnings, warning => warning.Contains("standby", StringComparison.Ordinal));
        Assert.False(reading.Description.Capabilities.HasFlag(EngineCapabilities.WakesAcrossProcesses));
        RequireSame(await writing.ReadAllAsync(), await FollowAsync(reading, 50));

        // What is committed arrives in order: a reader of the standby sees a beginning of the store, and later more of it.
        var committing = Task.Run(async () =>
        {
            for (var i = 0; i < 200; i++) await writing.CommitAsync(TestStores.Attempt($"stream-{i % 7}", ExpectedRevision.Any));
        }, Token);
        while (!committing.IsCompleted)
        {
            var seen = await reading.ReadAllAsync();
            Assert.Equal(Enumerable.Range(1, seen.Count).Select(checkpoint => (Checkpoint)checkpoint),
                seen.Select(recorded => recorded.Checkpoint));
            await reading.WaitForCommitsAsync(new Checkpoint(seen.Count), TimeSpan.FromMilliseconds(5), Token);
        }

        await committing;
        var all = await writing.ReadAllAsync();
        RequireSame(all, await FollowAsync(reading, 250));
        await using (var store = await Wireup.Init().UsingPostgresPersistence(standby.Address).OpenReadOnly()
            .UsingJsonSerialization(types => types.Register<string>("text")).DoNotDispatchCommits().BuildAsync(Token))
        {
            Assert.Equal(250, await store.ReadAllAsync(decoding: EventDecoding.OnDemand, cancellationToken: Token).CountAsync(Token));
            await Assert.ThrowsAsync<ReadOnlyStorageException>(async () => await store.AppendAsync("stream-1", "refused"));
        }

        var refused = await Assert.ThrowsAsync<StorageException>(() =>
            reading.CommitAsync(TestStores.Attempt("stream-1", ExpectedRevision.Any), Token).AsTask());
        Assert.Contains("read", refused.Message, StringComparison.OrdinalIgnoreCase);
        await reading.DisposeAsync();

        await primary.KillAsync();
        await using (var connection = new NpgsqlConnection(standby.Address))
        {
            await connection.OpenAsync(Token);
            await using var promote = new NpgsqlCommand("SELECT pg_promote()", connection);
            Assert.Equal(true, await promote.ExecuteScalarAsync(Token));
        }

        await using var promoted = await TestStores.OpenEngineAsync(standby.Address, new PostgresOptions(), mayCreate: false);
        var next = await promoted.CommitAsync(TestStores.Attempt("stream-1", ExpectedRevision.StreamExists));
        Assert.Equal(all[^1].Checkpoint.Value + 1, next.Commit!.FirstCheckpoint.Value);
        Assert.True((await promoted.VerifyAsync(cancellationToken: Token)).IsSound);
    }

    private static async Task<List<RecordedEvent>> FollowAsync(IPersistenceEngine engine, int events)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            var seen = await engine.ReadAllAsync();
            if (seen.Count >= events || Stopwatch.GetElapsedTime(started) > TimeSpan.FromSeconds(60)) return seen;
            await engine.WaitForCommitsAsync(new Checkpoint(seen.Count), TimeSpan.FromMilliseconds(20), Token);
        }
    }

    private static void RequireSame(List<RecordedEvent> expected, List<RecordedEvent> actual) =>
        Assert.Equal(expected.Select(recorded => (recorded.Checkpoint, recorded.Record.EventId)),
            actual.Select(recorded => (recorded.Checkpoint, recorded.Record.EventId)));
}
