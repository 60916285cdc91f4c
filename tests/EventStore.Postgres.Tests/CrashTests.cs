using System.Collections.Concurrent;
using EventStore.TestServers;
using EventStore.TestSupport;

namespace EventStore.Postgres.Tests;

/// <summary>
/// A server that is killed while writers commit, and started again: nothing acknowledged is lost, nothing is doubled, nothing unknown stays
/// so.
/// </summary>
public sealed class CrashTests
{
    private const int Writers = 16;
    private static readonly int Rounds = LongRun.IsAskedFor ? 200 : 10;

    [Fact(Timeout = 1_800_000)]
    public async Task Every_acknowledged_commit_survives_a_killed_server_once_and_every_unknown_one_is_settled_by_its_id()
    {
        await using var server = await PrivatePostgres.StartAsync();
        await using var store = await TestStores.BuildAsync(wireup => wireup.UsingPostgresPersistence(server.Address));
        var (stored, refused, unknown) = (new ConcurrentDictionary<Guid, int>(), new ConcurrentBag<Guid>(), 0);
        for (var round = 0; round < Rounds; round++)
        {
            var isOver = new CancellationTokenSource();
            var writers = Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
            {
                for (var i = 0; !isOver.IsCancellationRequested; i++)
                {
                    var (id, stream) = (SequentialGuid.Next(), new StreamId($"writer-{writer}"));
                    EventMessage[] events = [.. Enumerable.Range(0, 1 + (i % 4)).Select(number => new EventMessage($"{id} {number}"))];
                    try
                    {
                        await store.AppendAsync(stream, ExpectedRevision.Any, events, id);
                        stored[id] = events.Length;
                    }
                    catch (CommitOutcomeUnknownException)
                    {
                        Interlocked.Increment(ref unknown);
                        await SettleAsync(store, stream, events, id);
                        stored[id] = events.Length;
                    }
                    catch (StorageUnavailableException)
                    {
                        refused.Add(id);
                        await Task.Delay(5);
                    }
                }
            })).ToArray();

            await Task.Delay(Random.Shared.Next(30, 200));
            await server.KillAsync();
            await server.StartAgainAsync();
            await Task.Delay(Random.Shared.Next(30, 100));
            await isOver.CancelAsync();
            await Task.WhenAll(writers);
        }

        await using var engine = await TestStores.OpenEngineAsync(server.Address, new PostgresOptions());
        var found = (await engine.ReadAllAsync()).GroupBy(recorded => recorded.Commit.CommitId)
            .ToDictionary(commit => commit.Key, commit => commit.Count());
        Assert.Equal([], stored.Keys.Except(found.Keys));
        Assert.Equal([], found.Keys.Except(stored.Keys));
        Assert.All(found, commit => Assert.Equal(stored[commit.Key], commit.Value));
        Assert.Empty(refused.Intersect(found.Keys));
        Assert.True((await engine.VerifyAsync()).IsSound);
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{found.Count} commits in {Rounds} rounds; {unknown} came back as unknown, {refused.Count} were refused");
    }

    [Fact(Timeout = 120_000)]
    public async Task A_server_that_comes_up_late_is_waited_for_and_one_that_stays_away_is_reported()
    {
        await using var server = await PrivatePostgres.StartAsync();
        await server.KillAsync();
        await Assert.ThrowsAsync<StorageUnavailableException>(() =>
            TestStores.OpenEngineAsync(server.Address, new PostgresOptions { StartupTimeout = TimeSpan.FromMilliseconds(300) }));

        var opening = TestStores.OpenEngineAsync(server.Address, new PostgresOptions { StartupTimeout = TimeSpan.FromSeconds(60) });
        await server.StartAgainAsync();
        await using var engine = await opening;
        await engine.CommitAsync(TestStores.Attempt("stream", ExpectedRevision.NoStream));

        await server.KillAsync();
        await Assert.ThrowsAnyAsync<StorageException>(async () =>
            await engine.CommitAsync(TestStores.Attempt("stream", ExpectedRevision.Exactly(1))));
        await Assert.ThrowsAsync<StorageUnavailableException>(async () => await engine.FindHeadAsync("stream"));
        await server.StartAgainAsync();
        Assert.Equal(1, (await engine.FindHeadAsync("stream"))!.Revision.Value);
        Assert.Equal(CommitOutcomeKind.Committed,
            (await engine.CommitAsync(TestStores.Attempt("stream", ExpectedRevision.Exactly(1)))).Kind);
    }

    [Fact(Timeout = 120_000)]
    public async Task What_the_server_does_not_flush_is_said_and_refused_where_durability_is_required()
    {
        await using var server = await PrivatePostgres.StartAsync();
        await using (var engine = await TestStores.OpenEngineAsync(server.Address,
            new PostgresOptions { RequireDurable = true })) Assert.Equal(Durability.Durable, engine.Description.Durability.Level);
        await server.StopAsync();
        await server.StartAgainAsync("-c", "fsync=off");

        await using (var weak = await TestStores.OpenEngineAsync(server.Address, new PostgresOptions()))
        {
            Assert.Equal(Durability.Fast, weak.Description.Durability.Level);
            Assert.Contains("fsync is off", Assert.Single(weak.Description.Durability.Warnings), StringComparison.Ordinal);
        }

        var refused = await Assert.ThrowsAsync<StorageException>(() =>
            TestStores.OpenEngineAsync(server.Address, new PostgresOptions { RequireDurable = true }));
        Assert.Contains("fsync off", refused.Message, StringComparison.Ordinal);
    }

    // With the same id and the same events, until the store returns an outcome.
    private static async Task SettleAsync(IEventStore store, StreamId stream, EventMessage[] events, Guid id)
    {
        while (true)
        {
            try
            {
                await store.AppendAsync(stream, ExpectedRevision.Any, events, id);
                return;
            }
            catch (EventStoreException error) when (error is CommitOutcomeUnknownException or StorageUnavailableException)
            {
                await Task.Delay(20);
            }
        }
    }
}
