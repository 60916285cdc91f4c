using System.Text;
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

    private static CommitAttempt Attempt() =>
        new("stream", Guid.NewGuid(), ExpectedRevision.Any, default,
            [new EventRecord(Guid.NewGuid(), "type", Encoding.UTF8.GetBytes("body"))]);
}
