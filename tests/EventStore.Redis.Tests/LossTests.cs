using System.Collections.Concurrent;
using System.Text;
using EventStore.TestServers;
using EventStore.TestSupport;
using StackExchange.Redis;

namespace EventStore.Redis.Tests;

/// <summary>
/// A server that is killed under load keeps what it acknowledged; one that lost its tail is noticed, and what is left of it is whole.
/// </summary>
public sealed class LossTests
{
    private const int Writers = 16;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 3_000_000)]
    public async Task What_a_flushing_server_acknowledged_survives_kill_and_what_is_unknown_is_settled_by_id()
    {
        await using var redis = await PrivateRedis.StartAsync();
        var store = new TestStore(new RedisOptions { OutageTimeout = TimeSpan.Zero, CommandTimeout = TimeSpan.FromSeconds(5) });
        var acknowledged = new ConcurrentDictionary<Guid, CommitRecord>();
        for (var round = 0; round < (LongRun.IsAskedFor ? 200 : 10); round++)
        {
            var unknown = new ConcurrentQueue<CommitAttempt>();
            await using (var engine = await store.OpenReadyAsync(redis.Address))
            {
                var writing = Enumerable.Range(0, Writers)
                    .Select(writer => Task.Run(() => WriteAsync(engine, writer, acknowledged, unknown), Token)).ToArray();
                await Task.Delay(Random.Shared.Next(20, 300), Token);
                await redis.KillAsync();
                await Task.WhenAll(writing);
            }

            await redis.StartAgainAsync();
            await using var again = await store.OpenReadyAsync(redis.Address);
            foreach (var attempt in unknown)
            {
                var settled = (await again.CommitAsync([attempt], Token))[0];
                Assert.NotEqual(CommitOutcomeKind.Conflict, settled.Kind);
                acknowledged[attempt.CommitId] = settled.Commit!;
            }

            await RequireExactlyAsync(again, acknowledged);
        }

        Assert.True(acknowledged.Count > Writers, "nothing was written between the kills");
    }

    [Fact(Timeout = 300_000)]
    public async Task A_server_that_lost_its_tail_is_noticed_and_what_is_left_is_whole_commits_in_order()
    {
        await using var redis = await PrivateRedis.StartAsync();
        var store = new TestStore();
        await using var engine = await store.OpenReadyAsync(redis.Address);
        for (var i = 0; i < 50; i++) await engine.CommitAsync(
            [.. Enumerable.Range(0, 4).Select(n => Attempt($"stream-{n}", (i + n) % 3 + 1))], Token);
        var all = await ReadAsync(engine);

        // As a power loss cuts a file that was not flushed: the end of what the server wrote down is gone, in the middle of a command.
        await redis.KillAsync();
        var file = Directory.GetFiles(redis.Folder, "*.incr.aof", SearchOption.AllDirectories).Single();
        await using (var log = File.OpenWrite(file)) log.SetLength(log.Length * 3 / 4);
        await redis.StartAgainAsync();

        var lost = await Assert.ThrowsAsync<StorageReplacedException>(
            async () => await engine.CommitAsync([Attempt("stream-0", 1)], Token));
        Assert.Contains($"went back from checkpoint {all[^1].Checkpoint}", lost.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<StorageReplacedException>(async () => await engine.FindHeadAsync("stream-0", Token));

        await using var accepting = await store.OpenReadyAsync(redis.Address);
        var left = await ReadAsync(accepting);
        Assert.InRange(left.Count, 1, all.Count - 1);
        Assert.Equal(all.Take(left.Count).Select(recorded => recorded.Record.EventId), left.Select(recorded => recorded.Record.EventId));
        Assert.Equal(left[^1].Commit.EventCount - 1, left[^1].IndexInCommit);
        Assert.True((await accepting.VerifyAsync(cancellationToken: Token)).IsSound);

        // A reader that was further than the store sees it by the head of every page.
        var ahead = await accepting.ReadAllAsync(
            new StoreRead(EventFilter.Everything, all[^1].Checkpoint, Checkpoint.Max, ReadDirection.Forward, new PageLimit(1, 1)), Token);
        Assert.True(ahead.Head < all[^1].Checkpoint);
    }

    [Fact(Timeout = 300_000)]
    public async Task When_replicas_are_waited_for_a_failover_loses_nothing_and_too_few_of_them_make_a_commit_unknown()
    {
        await using var primary = await PrivateRedis.StartAsync();
        await using var replica = await PrivateRedis.StartAsync("--replicaof", "127.0.0.1", $"{primary.Port}",
            "--repl-diskless-sync-delay", "0");
        var store = new TestStore(new RedisOptions { RequiredReplicas = 1, ReplicaTimeout = TimeSpan.FromSeconds(10) });
        List<RecordedEvent> all;
        await using (var engine = await store.OpenReadyAsync(primary.Address))
        {
            Assert.Contains("replicas", engine.Description.Durability.Basis, StringComparison.Ordinal);
            for (var i = 0; i < 20; i++) await engine.CommitAsync([Attempt($"stream-{i % 5}", 2)], Token);
            all = await ReadAsync(engine);
        }

        await primary.KillAsync();
        await using (var promoting = await ConnectionMultiplexer.ConnectAsync(replica.Address
            + ",allowAdmin=true")) await promoting.GetDatabase().ExecuteAsync("REPLICAOF", "NO", "ONE");
        await using (var engine = await new TestStore(new RedisOptions { Name = store.Options.Name }).OpenReadyAsync(replica.Address))
        {
            Assert.Equal(all.Select(recorded => recorded.Record.EventId),
                (await ReadAsync(engine)).Select(recorded => recorded.Record.EventId));
        }

        await using var alone = await new TestStore(new RedisOptions
        {
            Name = store.Options.Name,
            RequiredReplicas = 1,
            ReplicaTimeout = TimeSpan.FromMilliseconds(50)
        }).OpenReadyAsync(replica.Address);
        var attempt = Attempt("alone", 1);
        Assert.Contains("0 of 1 replicas",
            (await Assert.ThrowsAsync<BatchOutcomeUnknownException>(async () => await alone.CommitAsync([attempt], Token))).Message,
            StringComparison.Ordinal);
        await Assert.ThrowsAsync<BatchOutcomeUnknownException>(async () => await alone.CommitAsync([attempt], Token));
        Assert.Equal(1, (await alone.FindHeadAsync("alone", Token))!.Revision.Value);
    }

    [Fact(Timeout = 300_000)]
    public async Task A_failover_to_a_replica_that_was_behind_is_noticed_by_an_engine_that_saw_more()
    {
        await using var primary = await PrivateRedis.StartAsync();
        var link = FaultyProxy.Before(primary.Port);
        await using var replica = await PrivateRedis.StartAsync("--replicaof", "127.0.0.1", $"{link.Port}", "--repl-diskless-sync-delay",
            "0");
        var store = new TestStore(new RedisOptions { OutageTimeout = TimeSpan.FromSeconds(60) });
        await using var engine =
            await store.OpenReadyAsync($"{primary.Address},{replica.Address},connectTimeout=1000,syncTimeout=1000,configCheckSeconds=1");
        await engine.CommitAsync([Attempt("stream", 5)], Token);
        await using var other = await ConnectionMultiplexer.ConnectAsync(replica.Address + ",allowAdmin=true");
        while ((string?)await other.GetDatabase()
            .HashGetAsync(new RedisSchema(store.Options.Name).Meta, "checkpoint") != "5") await Task.Delay(20, Token);

        // The replica is cut off, and misses the rest.
        await link.DisposeAsync();
        await engine.CommitAsync([Attempt("stream", 3)], Token);
        await primary.KillAsync();
        await other.GetDatabase().ExecuteAsync("REPLICAOF", "NO", "ONE");
        var behind = await Assert.ThrowsAsync<StorageReplacedException>(async () => await engine.FindHeadAsync("stream", Token));
        Assert.Contains("went back from checkpoint 8 to 5", behind.Message, StringComparison.Ordinal);
    }

    private static async Task WriteAsync(IPersistenceEngine engine, int writer, ConcurrentDictionary<Guid, CommitRecord> acknowledged,
        ConcurrentQueue<CommitAttempt> unknown)
    {
        while (true)
        {
            var attempt = Attempt($"stream-{(writer + Random.Shared.Next(2)) % 8}", Random.Shared.Next(1, 4));
            try
            {
                acknowledged[attempt.CommitId] = (await engine.CommitAsync([attempt], Token))[0].Commit!;
            }
            catch (StorageException error)
            {
                if (error is BatchOutcomeUnknownException) unknown.Enqueue(attempt);
                return;
            }
        }
    }

    // Everything acknowledged or settled is there once, where it was said to be, and nothing else is.
    private static async Task RequireExactlyAsync(IPersistenceEngine engine, ConcurrentDictionary<Guid, CommitRecord> acknowledged)
    {
        var stored = await ReadAsync(engine);
        Assert.Equal(acknowledged.Count, stored.Select(recorded => recorded.Commit.CommitId).Distinct().Count());
        Assert.Equal(acknowledged.Values.Sum(commit => commit.EventCount), stored.Count);
        Assert.Equal(Enumerable.Range(1, stored.Count).Select(i => (long)i), stored.Select(recorded => recorded.Checkpoint.Value));
        foreach (var recorded in stored)
        {
            var known = acknowledged[recorded.Commit.CommitId];
            Assert.Equal((known.Stream, known.FirstCheckpoint, known.FirstRevision, known.EventCount),
                (recorded.Commit.Stream, recorded.Commit.FirstCheckpoint, recorded.Commit.FirstRevision, recorded.Commit.EventCount));
        }
    }

    private static async Task<List<RecordedEvent>> ReadAsync(IPersistenceEngine engine)
    {
        var all = new List<RecordedEvent>();
        for (Checkpoint after = new Checkpoint(0); ;)
        {
            var page = await engine.ReadAllAsync(
                new StoreRead(EventFilter.Everything, after, Checkpoint.Max, ReadDirection.Forward, new PageLimit(5_000, 1 << 20)), Token);
            all.AddRange(page.Events.Span);
            if (page.IsEnd) return all;
            after = page.Position;
        }
    }

    private static CommitAttempt Attempt(StreamId stream, int events) =>
        new(stream, Guid.NewGuid(),
            [.. Enumerable.Range(0, events).Select(i => new EventRecord(Guid.NewGuid(), "type", Encoding.UTF8.GetBytes($"body {i}")))]);
}
