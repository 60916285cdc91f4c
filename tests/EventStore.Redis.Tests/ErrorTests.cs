using EventStore.TestServers;
using StackExchange.Redis;

namespace EventStore.Redis.Tests;

/// <summary>What an error of the server means for a command, and what a user needs no permission for.</summary>
public sealed class ErrorTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("ERR unknown", RedisErrorKind.UnknownError, false)]
    [InlineData("NOPERM this user has no permissions", RedisErrorKind.NoPermission, false)]
    [InlineData("STOREGONE", RedisErrorKind.Unknown, false)]
    [InlineData("LOADING Redis is loading the dataset in memory", RedisErrorKind.Loading, true)]
    [InlineData("READONLY You can't write against a read only replica.", RedisErrorKind.ReadOnly, true)]
    [InlineData("The server redirected to an endpoint that does not identify a node that can be connected to.",
        RedisErrorKind.UnknownRedirectTarget, true)]
    public void An_error_that_time_heals_is_distinguished_from_a_refusal_by_its_kind(string message, RedisErrorKind kind, bool passes) =>
        Assert.Equal(passes ? RedisFault.Unavailable : RedisFault.Refused,
            RedisErrors.FaultOf(new RedisServerException(kind, CommandFlags.None, message)));

    [Theory]
    [InlineData("MISCONF Redis is configured to save", "disk")]
    [InlineData("OOM command not allowed", "maxmemory")]
    [InlineData("LOADING Redis is loading", "memory")]
    [InlineData("BUSY Redis is busy", "SCRIPT KILL")]
    [InlineData("READONLY You can't write", "replica")]
    [InlineData("MASTERDOWN Link with MASTER is down", "master")]
    [InlineData("NOREPLICAS Not enough good replicas", "min-replicas-to-write")]
    [InlineData("CLUSTERDOWN The cluster is down", "CLUSTER INFO")]
    [InlineData("TRYAGAIN Multiple keys request", "slots")]
    public void An_error_that_time_heals_says_what_to_do(string message, string advice)
    {
        var error = RedisErrors.Unavailable(
            new RedisServerException(RedisErrorKind.Unknown, CommandFlags.None, message), "redis:host/events", TimeSpan.FromSeconds(1));
        Assert.Contains(advice, error.Message, StringComparison.Ordinal);
        Assert.Contains(message.Split(' ')[0], error.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_commit_that_the_server_would_not_take_is_refused_before_it_is_sent()
    {
        await using var redis = await PrivateRedis.StartAsync("--proto-max-bulk-len", "1mb");
        await using var engine = await new TestStore().OpenReadyAsync(redis.Address);
        var limit = engine.Description.Limits.MaxCommitBytes;
        Assert.InRange(limit, 1, 1 << 20);
        await Assert.ThrowsAsync<TooLargeException>(async () => await engine.CommitAsync([Attempt((int)limit)], Token));
        await engine.CommitAsync([Attempt((int)limit - "stream".Length)], Token);
        Assert.Equal(1, (await engine.FindHeadAsync("stream", Token))!.Revision.Value);
    }

    [Theory]
    [InlineData("proto-max-bulk-len", "1048576", (1 << 20) - (8 << 10))]
    [InlineData("client-query-buffer-limit", "2097152", (2 << 20) - (8 << 10))]
    [InlineData("client-output-buffer-limit", "normal 4194304 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60", 2 << 20)]
    [InlineData("client-output-buffer-limit", "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60", 16 << 20)]
    public void The_limits_of_the_server_are_those_of_the_engine(string setting, string value, long most) =>
        Assert.Equal(most, RedisLimits.By(new Dictionary<string, string> { [setting] = value }).MaxCommitBytes);

    [Fact(Timeout = 120_000)]
    public async Task A_server_whose_memory_is_used_up_says_so_and_stored_nothing()
    {
        await using var redis = await PrivateRedis.StartAsync();
        await using var engine = await new TestStore(new RedisOptions { OutageTimeout = TimeSpan.FromMilliseconds(100) })
            .OpenReadyAsync(redis.Address);
        await using var admin = await ConnectionMultiplexer.ConnectAsync(redis.Address + ",allowAdmin=true");
        await admin.GetDatabase().ExecuteAsync("CONFIG", "SET", "maxmemory", "1");
        var full = await Assert.ThrowsAsync<StorageUnavailableException>(async () => await engine.CommitAsync([Attempt()], Token));
        Assert.Contains("maxmemory", full.Message, StringComparison.Ordinal);
        await admin.GetDatabase().ExecuteAsync("CONFIG", "SET", "maxmemory", "0");
        Assert.Null(await engine.FindHeadAsync("stream", Token));
        await engine.CommitAsync([Attempt()], Token);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_wrong_password_is_named_at_once_and_not_shown()
    {
        await using var redis = await PrivateRedis.StartAsync();
        await using var admin = await ConnectionMultiplexer.ConnectAsync(redis.Address + ",allowAdmin=true");
        await admin.GetDatabase().ExecuteAsync("CONFIG", "SET", "requirepass", "right");
        await using var engine = new TestStore(new RedisOptions { StartupTimeout = TimeSpan.FromHours(1) })
            .Open(redis.Address + ",password=hunter2");
        var refused = await Assert.ThrowsAsync<StorageException>(async () => await engine.InitializeAsync(Token));
        Assert.Contains("password", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", refused.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("redis://user:hunter2@localhost:6379")]
    [InlineData("user:hunter2@localhost:6379")]
    [InlineData("localhost:6379,passwrd=hunter2")]
    public void A_password_in_a_wrong_address_is_not_shown(string address)
    {
        var refused = Assert.Throws<WireupException>(() => RedisConnection.Parse(address));
        Assert.DoesNotContain("hunter2", refused.ToString(), StringComparison.Ordinal);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_user_who_may_neither_load_scripts_nor_read_settings_uses_a_store()
    {
        await using var redis = await PrivateRedis.StartAsync();
        await using var admin = await ConnectionMultiplexer.ConnectAsync(redis.Address + ",allowAdmin=true");
        await admin.GetDatabase().ExecuteAsync("ACL", "SETUSER", "limited", "on", ">secret", "~*", "&*", "+@all", "-script", "-config");
        await using var engine = await new TestStore().OpenReadyAsync(redis.Address + ",user=limited,password=secret");
        Assert.Contains("CONFIG GET is forbidden", engine.Description.Durability.Basis, StringComparison.Ordinal);
        for (var revision = 1; revision <= 3; revision++)
        {
            await engine.CommitAsync([Attempt()], Token);
            Assert.Equal(revision, (await engine.FindHeadAsync("stream", Token))!.Revision.Value);
        }
    }

    private static CommitAttempt Attempt(int bytes = 4) =>
        new("stream", Guid.NewGuid(), [new EventRecord(Guid.NewGuid(), "type", new byte[bytes])]);
}
