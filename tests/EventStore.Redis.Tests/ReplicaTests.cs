using System.Text;
using EventStore.TestServers;
using Microsoft.Extensions.Logging.Abstractions;
using StackExchange.Redis;

namespace EventStore.Redis.Tests;

/// <summary>Replicas count where the commit was written, and are waited for as long as was asked.</summary>
public sealed class ReplicaTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task Replicas_that_another_server_counts_after_a_failover_acknowledge_nothing()
    {
        await using var primary = await PrivateRedis.StartAsync();
        var link = FaultyProxy.Before(primary.Port);
        await using var next = await PrivateRedis.StartAsync("--replicaof", "127.0.0.1", $"{link.Port}", "--repl-diskless-sync-delay", "0");
        await using var last = await PrivateRedis.StartAsync("--replicaof", "127.0.0.1", $"{next.Port}", "--repl-diskless-sync-delay", "0");
        var options = new TestStore(
            new RedisOptions
            {
                RequiredReplicas = 1,
                ReplicaTimeout = TimeSpan.FromSeconds(10),
                OutageTimeout = TimeSpan.FromSeconds(60),
            }).Options;
        var address = $"{primary.Address},{next.Address},connectTimeout=1000,syncTimeout=1000,configCheckSeconds=1";
        await using (var engine = await new TestStore(options).OpenReadyAsync(address)) await engine.CommitAsync([Attempt()], Token);

        await using var connection = new RedisConnection(RedisConnection.Parse(address), null);
        await connection.OpenAsync(options, Token);
        var server = new RedisServer(connection, new RedisSettings(options, "redis", TimeProvider.System, NullLogger.Instance));
        var schema = new RedisSchema(options.Name);
        Task WriteAsync(string name) => server.ChangeAsync(RedisScript.PutDocument, [schema.Meta, schema.Documents, schema.Titles],
            [name, 0, "content"], Token).AsTask();

        var before = server.FindConnectionAsync();
        await WriteAsync("kept");
        await server.WaitForReplicasAsync(before);

        // The replica is cut off and misses the next one; then the server ends, before it was asked for replicas, and the replica with one
        // of its own takes its place.
        await link.DisposeAsync();
        before = server.FindConnectionAsync();
        await WriteAsync("lost");
        await primary.KillAsync();
        await using (var promoting = await ConnectionMultiplexer.ConnectAsync(next.Address
            + ",allowAdmin=true")) await promoting.GetDatabase().ExecuteAsync("REPLICAOF", "NO", "ONE");
        Assert.Null((byte[]?)(await server.AskAsync(RedisScript.FindDocument, [schema.Meta, schema.Documents], ["lost"], Token))[1]);
        var unknown = await Assert.ThrowsAsync<BatchOutcomeUnknownException>(async () => await server.WaitForReplicasAsync(before));
        Assert.Contains("was replaced", unknown.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 120_000)]
    public async Task Replicas_are_waited_for_as_long_as_was_asked_however_little_patience_the_driver_has()
    {
        await using var primary = await PrivateRedis.StartAsync();
        var store = new TestStore(new RedisOptions { RequiredReplicas = 1, ReplicaTimeout = TimeSpan.FromSeconds(4) });
        await using var engine = await store.OpenReadyAsync($"{primary.Address},syncTimeout=1000");
        var unknown = await Assert.ThrowsAsync<BatchOutcomeUnknownException>(async () => await engine.CommitAsync([Attempt()], Token));
        Assert.Contains("0 of 1 replicas", unknown.Message, StringComparison.Ordinal);
    }

    private static CommitAttempt Attempt() =>
        new("stream", Guid.NewGuid(),
            [new EventRecord(Guid.NewGuid(), "type", Encoding.UTF8.GetBytes("body"))]);
}
