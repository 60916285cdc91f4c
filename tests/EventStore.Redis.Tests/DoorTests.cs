using System.Text;
using EventStore.Conformance;
using EventStore.TestServers;
using StackExchange.Redis;

namespace EventStore.Redis.Tests;

/// <summary>The verbs, the options, what is found out about the server, what is refused before anything is written.</summary>
public sealed class DoorTests : IAsyncDisposable
{
    private readonly TestStore store = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => store.DisposeAsync();

    [Theory, InlineData(""), InlineData("Upper"), InlineData("a{b}"), InlineData("a b")]
    public void A_name_that_is_no_plain_name_is_refused(string name) =>
        Assert.Throws<InvalidOptionException>(() => Wireup.Init().UsingRedisPersistence("localhost", new RedisOptions { Name = name }));

    [Fact]
    public void Options_that_contradict_or_exceed_are_refused_and_a_configuration_that_names_no_server_too()
    {
        RedisOptions[] wrong = [new() { RequiredReplicas = -1 }, new() { RequireReplicaFlush = true }, new() { CommandTimeout = default },
            new() { OutageTimeout = TimeSpan.FromDays(1) }];
        Assert.All(wrong,
            options => Assert.Throws<InvalidOptionException>(() => Wireup.Init().UsingRedisPersistence("localhost", options)));
        Assert.All((string[])["", "password=secret", "connectTimeout=secret,localhost"], configuration =>
            Assert.DoesNotContain("secret", Assert.Throws<WireupException>(() => Wireup.Init().UsingRedisPersistence(configuration))
                .ToString(), StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_address_chooses_it_and_a_connection_that_was_handed_in_stays_open()
    {
        var server = (await SharedServer.Redis.GetAsync()).Address;
        await using (store.Open(server)) { }
        await using (var first = await Wireup.Init().UsingPersistence($"redis:{server}", engines => engines.AddRedis(store.Options))
            .UsingJsonSerialization(types => types.Register<string>("text")).InitializeStorageEngine().BuildAsync(Token))
        {
            await first.AppendAsync("stream", "by address");
        }

        await using var connection = await ConnectionMultiplexer.ConnectAsync(server);
        await using (var second = await Wireup.Init().UsingRedisPersistence(connection, store.Options)
            .UsingJsonSerialization(types => types.Register<string>("text")).BuildAsync(Token))
        {
            Assert.Equal(2, (await second.AppendAsync("stream", "by connection")).LastRevision.Value);
        }

        Assert.True(connection.IsConnected);
        await connection.GetDatabase().PingAsync();
    }

    [Fact]
    public async Task A_call_before_initialization_is_refused_at_once()
    {
        await using var engine = store.Open((await SharedServer.Redis.GetAsync()).Address);
        var error = await Assert.ThrowsAsync<InvalidOperationException>(async () => await engine.FindHeadAsync("stream", Token));
        Assert.Contains("InitializeAsync", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_row_of_the_readme_is_the_description()
    {
        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "EventStore.slnx"))) root = Path.GetDirectoryName(root)!;
        await using var redis = await PrivateRedis.StartAsync();
        await using var engine = await new TestStore().OpenReadyAsync(redis.Address);
        Assert.Contains(DescriptionTable.RowOf(engine.Description, "redis"),
            await File.ReadAllLinesAsync(Path.Combine(root, "README.md"), Token));
    }

    [Theory]
    [InlineData("yes", "always", null, Durability.Durable)]
    [InlineData("yes", "everysec", null, Durability.Fast)]
    [InlineData("no", "always", null, Durability.Fast)]
    [InlineData("yes", "always", "--no-appendfsync-on-rewrite yes", Durability.Fast)]
    [InlineData("yes", "always", "--maxmemory 100mb --maxmemory-policy allkeys-lru", Durability.Fast)]
    [InlineData("yes", "always", "--maxmemory 100mb --maxmemory-policy noeviction", Durability.Durable)]
    [InlineData("yes", "always", "--rename-command CONFIG GONE", Durability.Fast)]
    public async Task What_the_server_does_is_asked_described_and_refused_where_durable_is_required(string appendOnly, string flushes,
        string? further, Durability level)
    {
        await using var redis =
            await PrivateRedis.StartAsync(["--appendonly", appendOnly, "--appendfsync", flushes, .. further?.Split(' ') ?? []]);
        await using (var engine = await new TestStore().OpenReadyAsync(redis.Address))
        {
            Assert.Equal(level, engine.Description.Durability.Level);
            Assert.Equal(level == Durability.Durable, engine.Description.Durability.Warnings.Count == 0);
        }

        await using var demanding = new TestStore(new RedisOptions { RequireDurable = true }).Open(redis.Address);
        if (level == Durability.Durable) await demanding.InitializeAsync(Token);
        else Assert.Contains("RequireDurable",
            (await Assert.ThrowsAsync<StorageException>(async () => await demanding.InitializeAsync(Token))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keys_of_the_name_that_are_no_store_or_not_whole_are_refused_and_left_alone()
    {
        var server = (await SharedServer.Redis.GetAsync()).Address;
        await using var connection = await ConnectionMultiplexer.ConnectAsync(server);
        var (database, schema) = (connection.GetDatabase(), new RedisSchema(store.Options.Name));
        await database.StringSetAsync(schema.Meta, "another thing");
        await Assert.ThrowsAsync<StorageException>(() => store.OpenReadyAsync(server));
        await database.KeyDeleteAsync(schema.Meta);
        await database.SetAddAsync(schema.Log, "another thing");
        await Assert.ThrowsAsync<StorageException>(() => store.OpenReadyAsync(server));
        await database.KeyDeleteAsync(schema.Log);

        await using (var engine = await store.OpenReadyAsync(server)) await engine.CommitAsync([Attempt(1)], Token);
        await database.HashSetAsync(schema.Meta, "checkpoint", 0);
        Assert.Contains("damaged", (await Assert.ThrowsAsync<StorageException>(() => store.OpenReadyAsync(server))).Message,
            StringComparison.Ordinal);
        await database.HashSetAsync(schema.Meta, "checkpoint", 1);
        await database.HashSetAsync(schema.Meta, "schema", "77");
        Assert.Contains("77", (await Assert.ThrowsAsync<StorageException>(() => store.OpenReadyAsync(server))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_too_large_is_refused_and_what_is_just_small_enough_is_stored()
    {
        await using var engine = await store.OpenReadyAsync((await SharedServer.Redis.GetAsync()).Address);
        var limits = engine.Description.Limits;
        await Assert.ThrowsAsync<TooLargeException>(async () =>
            await engine.CommitAsync([Attempt(1), Attempt((int)limits.MaxCommitBytes + 1)], Token));
        await Assert.ThrowsAsync<TooLargeException>(async () =>
            await engine.CommitAsync([Attempt(1), Attempt(1, limits.MaxEventsPerCommit + 1)], Token));
        Assert.Null(await engine.FindHeadAsync("stream", Token));

        await engine.CommitAsync([Attempt((int)limits.MaxCommitBytes - "stream".Length)], Token);
        await engine.CommitAsync([Attempt(1, limits.MaxEventsPerCommit)], Token);
        var page = await engine.ReadStreamAsync(
            new StreamRead("stream", new Revision(1), new Revision(1), ReadDirection.Forward, new PageLimit(10, 1)), Token);
        Assert.Equal((int)limits.MaxCommitBytes - "stream".Length, page.Events.Span[0].Record.Body.Length);
        Assert.Equal(limits.MaxEventsPerCommit + 1, page.State.Revision.Value);
        Assert.True((await engine.VerifyAsync(cancellationToken: Token)).IsSound);
    }

    private static CommitAttempt Attempt(int bytes, int events = 1) =>
        new("stream", Guid.NewGuid(),
            [.. Enumerable.Range(0, events).Select(_ => new EventRecord(Guid.NewGuid(), "type", new byte[bytes]))]);
}
