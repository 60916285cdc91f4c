using System.Text;
using EventStore.TestServers;

namespace EventStore.Redis.Tests;

/// <summary>Replicas count where the commit was written, and are waited for as long as was asked.</summary>
public sealed class ReplicaTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task Replicas_are_waited_for_as_long_as_was_asked_however_little_patience_the_driver_has()
    {
        await using var primary = await PrivateRedis.StartAsync();
        var store = new TestStore(new RedisOptions { Replicas = 1, ReplicaTimeout = TimeSpan.FromSeconds(4) });
        await using var engine = await store.OpenReadyAsync($"{primary.Address},syncTimeout=1000");
        var unknown = await Assert.ThrowsAsync<BatchOutcomeUnknownException>(async () => await engine.CommitAsync([Attempt()], Token));
        Assert.Contains("0 of 1 replicas", unknown.Message, StringComparison.Ordinal);
    }

    private static CommitAttempt Attempt() =>
        new("stream", Guid.NewGuid(), ExpectedRevision.Any, default, [new EventRecord(Guid.NewGuid(), "type", Encoding.UTF8.GetBytes("body"))]);
}
