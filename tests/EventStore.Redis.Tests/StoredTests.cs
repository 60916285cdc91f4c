using System.Text;
using EventStore.TestServers;
using StackExchange.Redis;

namespace EventStore.Redis.Tests;

/// <summary>
/// What lies in the server: which keys, what is left of what was removed, how often it is asked, and that damage is found.
/// </summary>
public sealed class StoredTests : IAsyncLifetime
{
    private readonly TestStore store = new();
    private readonly RedisSchema schema;
    private ConnectionMultiplexer? connection;
    private PrivateRedis? started;

    public StoredTests() => schema = new RedisSchema(store.Options.Name);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private PrivateRedis Server => started ?? throw new InvalidOperationException("The server is not started.");

    private ConnectionMultiplexer Connection => connection ?? throw new InvalidOperationException("There is no connection.");

    private IDatabase Database => Connection.GetDatabase();

    public async ValueTask InitializeAsync()
    {
        started = await PrivateRedis.StartAsync();
        connection = await ConnectionMultiplexer.ConnectAsync(started.Address + ",allowAdmin=true");
    }

    public async ValueTask DisposeAsync()
    {
        if (connection is not null) await connection.DisposeAsync();
        if (started is not null) await started.DisposeAsync();
    }

    [Fact]
    public async Task What_was_removed_leaves_nothing_behind_however_small_the_steps()
    {
        await using (var engine = new TestStore(store.Options) { SweepStepEntries = 3 }.Open(Server.Address))
        {
            await engine.InitializeAsync(Token);
            await engine.CommitAsync(
                [.. Enumerable.Range(0, 200).Select(i => Attempt(new StreamId($"bucket-{i % 3}", "c", $"{i % 20}"), i))], Token);
            for (var i = 0; i < 20; i++) await engine.SaveSnapshotAsync(
                new SnapshotRecord(new StreamId($"bucket-{i % 3}", "c", $"{i}"), new Revision(1), 0, "state", new byte[3]), Token);
            await engine.DeleteStreamAsync(new StreamId("bucket-1", "c", "1"), StreamExpectation.Any, Token);
            await engine.PurgeBucketAsync("bucket-0", Token);
            var left = await engine.ReadAllAsync(new StoreRead(EventFilter.Everything, new Checkpoint(0), Checkpoint.Max,
                ReadDirection.Forward, new PageLimit(1000, 1 << 20)), Token);
            Assert.Equal(left.Events.Length, (long)await Database.ExecuteAsync("XLEN", schema.Log));
            Assert.Equal(left.Events.Length, await Database.HashLengthAsync(schema.Ids));
            await engine.PurgeAllAsync(Token);
        }

        Assert.Equal([schema.Log, schema.Meta], await KeysLeftAsync());
        Assert.Equal(0, (long)await Database.ExecuteAsync("XLEN", schema.Log));
    }

    [Fact]
    public async Task An_opened_store_continues_a_removal_that_another_process_began()
    {
        await using (var stopped = new TestStore(store.Options) { SweepStepEntries = 0 }.Open(Server.Address))
        {
            await stopped.InitializeAsync(Token);
            await stopped.CommitAsync([.. Enumerable.Range(0, 100).Select(i => Attempt($"stream-{i % 7}", i))], Token);
            await stopped.DeleteStreamAsync("stream-1", StreamExpectation.Any, Token);
            await stopped.PurgeAllAsync(Token);
            await stopped.CommitAsync([Attempt("stream-1", 1)], Token);
        }

        Assert.True((long)await Database.ExecuteAsync("XLEN", schema.Log) > 100);
        await using var next = new TestStore(store.Options) { SweepStepEntries = 5 }.Open(Server.Address);
        await next.InitializeAsync(Token);
        while ((string?)await Database.HashGetAsync(schema.Meta, "removed") != "0") await Task.Delay(5, Token);
        Assert.Equal(1, (long)await Database.ExecuteAsync("XLEN", schema.Log));
        Assert.True((await next.VerifyAsync(cancellationToken: Token)).IsSound);
    }

    [Fact]
    public async Task All_keys_of_a_store_lie_in_one_slot_of_a_cluster_and_odd_names_do_not_move_them()
    {
        await using var engine = await store.OpenReadyAsync(Server.Address);
        foreach (var id in (string[])["{other}", "a}b", "*?[]:", "é😀"])
        {
            await engine.CommitAsync([Attempt(new StreamId(id, id, id), 1)], Token);
            await engine.SaveSnapshotAsync(new SnapshotRecord(new StreamId(id, id, id), new Revision(1), 0, "state", default), Token);
            await engine.PutDocumentAsync(id, default, 0, Token);
        }

        Assert.Single((await KeysLeftAsync()).Select(key => Connection.HashSlot(key)).Distinct());
    }

    [Fact]
    public async Task A_page_of_events_is_one_round_trip_and_a_stream_of_a_thousand_events_is_one_page()
    {
        await using var engine = await store.OpenReadyAsync(Server.Address);
        for (var i = 0; i < 10; i++) await engine.CommitAsync([.. Enumerable.Range(0, 100).Select(n => Attempt("stream", n))], Token);
        async Task<long> RunsAsync(Func<Task> act)
        {
            await act();
            var before = await CallsOfAsync();
            await act();
            return await CallsOfAsync() - before;
        }

        Assert.Equal(1,
            await RunsAsync(
            async () => Assert.Equal(1000,
            (await engine.ReadStreamAsync(new StreamRead("stream", new Revision(1), new Revision(long.MaxValue), ReadDirection.Forward,
            new PageLimit(1000, 1 << 20)), Token)).Events.Length)));
        Assert.Equal(1,
            await RunsAsync(
            async () => await engine.ReadStreamAsync(
            new StreamRead("stream", new Revision(500), new Revision(900), ReadDirection.Backward, new PageLimit(100, 1 << 20)), Token)));
        Assert.Equal(1,
            await RunsAsync(async () =>
            await engine.ReadAllAsync(new StoreRead(EventFilter.Everything, new Checkpoint(300), Checkpoint.Max, ReadDirection.Forward,
            new PageLimit(500, 1 << 20)), Token)));
        Assert.Equal(1, await RunsAsync(async () => await engine.CommitAsync([Attempt("stream", 1), Attempt("other", 1)], Token)));
        Assert.Equal(1, await RunsAsync(async () => await engine.FindHeadAsync("stream", Token)));
    }

    [Fact]
    public async Task Part_of_a_large_commit_costs_part_of_it()
    {
        await using var engine = await store.OpenReadyAsync(Server.Address);
        var events = Enumerable.Range(0, 10_000).Select(_ => new EventRecord(Guid.NewGuid(), "type", new byte[300]));
        await engine.CommitAsync([new CommitAttempt("stream", Guid.NewGuid(), [.. events]) { Headers = new byte[100] }], Token);
        Assert.InRange((long)await Database.ExecuteAsync("XLEN", schema.Log), 40, 100);
        for (var revision = 1L; revision <= 10_000; revision += 777)
        {
            var page = await engine.ReadStreamAsync(new StreamRead("stream", new Revision(revision), new Revision(revision + 4),
                ReadDirection.Forward, new PageLimit(100, 1 << 20)), Token);
            Assert.Equal((5, 10_000, (int)revision - 1),
                (page.Events.Length, page.Events.Span[0].Commit.EventCount, page.Events.Span[0].IndexInCommit));
            Assert.True(page.IsEnd);
        }
    }

    [Fact]
    public async Task Damage_is_found_with_its_place_and_never_read_as_if_nothing_were()
    {
        await using var engine = await store.OpenReadyAsync(Server.Address);
        for (var i = 0; i < 10; i++) await engine.CommitAsync([Attempt("stream", i)], Token);
        Assert.True((await engine.VerifyAsync(cancellationToken: Token)).IsSound);

        await Database.ExecuteAsync("XDEL", schema.Log, "5");
        var gone = await Assert.ThrowsAsync<CorruptStorageException>(async () =>
            await engine.ReadStreamAsync(
            new StreamRead("stream", new Revision(1), new Revision(10), ReadDirection.Forward, new PageLimit(100, 1 << 20)), Token));
        Assert.Contains("checkpoint 5", gone.Place, StringComparison.Ordinal);
        Assert.Contains((await engine.VerifyAsync(cancellationToken: Token)).Damages,
            damage => damage.Place.Contains("revision 6", StringComparison.Ordinal));
        await Database.ExecuteAsync("XDEL", schema.Log, "10");
        Assert.Contains((await engine.VerifyAsync(cancellationToken: Token)).Damages,
            damage => damage.Problem.Contains("nothing after 9", StringComparison.Ordinal));

        await Database.StringSetRangeAsync(schema.Index(RedisSchema.NameOf("stream")), 3 * 24 + 5, new byte[] { 99 });
        Assert.Contains((await engine.VerifyAsync(cancellationToken: Token)).Damages,
            damage => damage.Problem.Contains("index", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_flipped_bit_of_an_entry_is_found_by_reading_it()
    {
        var encoded = RedisRows.Encode(Attempt("stream", 1), RedisSchema.NameOf("stream"), unitSize: 1)[0];
        var entry = new byte[RedisRows.HeaderBytes].Concat(encoded.Body).ToArray();
        RedisRows.StampOf(DateTimeOffset.UnixEpoch).Select(digit => (byte)digit).ToArray()
            .CopyTo(entry, RedisRows.HeaderBytes - RedisRows.StampDigits);
        entry[5] = entry[11] = entry[17] = entry[29] = 1;
        Assert.Single(RedisRows.Decode(entry, null));
        for (var bit = RedisRows.HeaderBytes * 8; bit < entry.Length * 8; bit++)
        {
            entry[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Throws<CorruptStorageException>(() => RedisRows.Decode(entry, null));
            entry[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        await Task.CompletedTask;
    }

    private async Task<RedisKey[]> KeysLeftAsync() =>
        [.. (await Connection.GetServer(Connection.GetEndPoints()[0]).KeysAsync(pattern: "*").ToArrayAsync(Token))
            .OrderBy(key => (string?)key, StringComparer.Ordinal)];

    // How many commands came from outside, as the server counts them.
    private async Task<long> CallsOfAsync()
    {
        var statistics = (string?)await Database.ExecuteAsync("INFO", "commandstats");
        return statistics!.Split('\n').Where(line => line.StartsWith("cmdstat_eval", StringComparison.Ordinal))
            .Sum(line => long.Parse(line.Split("calls=")[1].Split(',')[0], System.Globalization.CultureInfo.InvariantCulture));
    }

    private static CommitAttempt Attempt(StreamId stream, int i) =>
        new(stream, Guid.NewGuid(),
            [new EventRecord(Guid.NewGuid(), "type", Encoding.UTF8.GetBytes($"{i}"))]);
}
