using System.Collections.Concurrent;
using EventStore.TestServers;

namespace EventStore.Redis.Tests;

/// <summary>A server that is away for twice the term of the leases: consumers and dispatch go on when it is back.</summary>
public sealed class OutageTests
{
    private static readonly TimeSpan Term = TimeSpan.FromMilliseconds(500);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task Consumers_and_dispatch_outlive_a_server_that_is_away_for_twice_their_term()
    {
        await using var redis = await PrivateRedis.StartAsync("--appendonly", "yes");
        await using var place = new TestStore(
            new RedisOptions { CommandTimeout = TimeSpan.FromMilliseconds(200), OutageTimeout = TimeSpan.FromMilliseconds(100) });
        await using var engine = await place.OpenReadyAsync($"{redis.Address},abortConnect=false");
        var (handled, dispatched) = (new ConcurrentQueue<string>(), new ConcurrentQueue<string>());
        await using var store = await Wireup.Init().UsingPersistence(engine).UsingJsonSerialization(types => types.Register<string>("text"))
            .UsingSynchronousDispatchScheduler(options => (options.LeaseTerm, options.PollInterval) = (Term, Term / 10))
            .DispatchTo((Commit commit, CancellationToken _) =>
            {
                dispatched.Enqueue((string)commit.Events[0].Body);
                return default;
            }).BuildAsync(Token);
        await using var consumer = await store.Consumers.StartAsync("name", ConsumerSource.Everything, (committed, _) =>
        {
            handled.Enqueue((string)committed.Body);
            return default;
        }, new ConsumerOptions { LeaseTerm = Term, PollInterval = Term / 10 }, Token);
        await store.AppendAsync("stream", "1");
        await consumer.WaitForAsync(new Checkpoint(1), Token);

        await redis.KillAsync();
        await Task.Delay(2 * Term, Token); // the outage itself
        await redis.StartAgainAsync();
        for (var isBack = false; !isBack;)
        {
            try
            {
                await store.AppendAsync("stream", ExpectedRevision.Exactly(1), [new EventMessage("2")], cancellationToken: Token);
                isBack = true;
            }
            catch (StorageUnavailableException)
            {
                await Task.Delay(20, Token);
            }
        }

        await consumer.WaitForAsync(new Checkpoint(2), Token);
        await store.Dispatch.WaitUntilDispatchedAsync(Token);
        Assert.False(consumer.Completion.IsCompleted);
        Assert.Equal(["1", "2"], handled.Distinct());
        Assert.Equal(["1", "2"], dispatched.Distinct());
        Assert.True((await store.Dispatch.GetStatusAsync(Token)).IsDispatchingHere);
    }
}
