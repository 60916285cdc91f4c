using System.Buffers.Binary;
using EventStore.TestSupport;
using StackExchange.Redis;

namespace EventStore.Redis.Tests;

/// <summary>Values that another client of the server damaged: a typed error or sound data, and never a server that is blocked.</summary>
public sealed class DamageTests
{
    private const int Header = RedisRows.HeaderBytes;
    private const long MaxAllocatedBytes = 512 << 20;
    private const int CasesBetweenChecks = 50;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task Bytes_appended_to_an_index_are_reported_with_its_key_and_never_block_the_server()
    {
        await using var store = await DamagedStore.StartAsync(isSwept: true);
        await using var engine = store.Open();
        await engine.InitializeAsync(Token);
        var index = new RedisSchema("damaged").Index(RedisSchema.NameOf("long"));
        await store.Database.StringAppendAsync(index, new byte[6]);
        foreach (var (_, call) in store.Readers(engine, isForged: false)
            .Where(one => one.Name.StartsWith("stream", StringComparison.Ordinal)))
        {
            var damage = await Assert.ThrowsAsync<CorruptStorageException>(async () => await call().WaitAsync(Patience, Token));
            Assert.Contains("stream:default//long", damage.Place, StringComparison.Ordinal);
        }

        var refused = await Assert.ThrowsAsync<CorruptStorageException>(
            async () => await engine.CommitAsync(
                [new CommitAttempt("long", Guid.NewGuid(), [new EventRecord(Guid.NewGuid(), "type", new byte[1])])], Token));
        Assert.Contains("stream:default//long", refused.Place, StringComparison.Ordinal);
        Assert.Contains((await engine.VerifyAsync(cancellationToken: Token)).Damages,
            found => found.Place.Contains("long'", StringComparison.Ordinal));
        await store.PingAsync();
        Assert.Equal(0, await store.CountSlowAsync());
        await store.RequireWorkingAsync();
    }

    [Theory(Timeout = 120_000)]
    [InlineData("redis.call('HSET', KEYS[1] .. 'documents', 'b', ARGV[1] .. string.rep('x', 4194305))", "document", "documents", 3)]
    [InlineData("redis.call('HSET', KEYS[1] .. 'documents', 'b', ARGV[1] .. string.rep('x', 33554432))", "document", "documents", 3)]
    [InlineData("redis.call('ZADD', KEYS[1] .. 'titles', 0, 'a' .. string.rep('x', 1048576))", "documents", "titles", 1)]
    [InlineData("redis.call('ZADD', KEYS[1] .. 'names', 0, 'b' .. string.rep('x', 1048576))", "heads", "names", 1)]
    [InlineData("redis.call('HSET', KEYS[1] .. 'meta', 'holder', string.rep('x', 1048576))", "", "meta", 10)]
    public async Task A_value_longer_than_any_that_is_written_is_damage_and_not_returned(string script, string call, string key, int least)
    {
        await using var store = await DamagedStore.StartAsync(isSwept: true);
        await using var engine = store.Open();
        await engine.InitializeAsync(Token);
        await store.Database.ScriptEvaluateAsync(script, ["{damaged}:"], [new byte[] { 0, 0, 0, 0, 0, 1 }]);
        var refused = 0;
        foreach (var (name, ask) in ((string Name, Func<Task> Call)[])[.. store.Readers(engine, isForged: false), .. store.Writers(engine)])
        {
            if (await Record.ExceptionAsync(() => ask().WaitAsync(Patience, Token)) is not CorruptStorageException damage) continue;
            Assert.Contains(key, damage.Place, StringComparison.Ordinal);
            if (name.Contains(call, StringComparison.Ordinal)) refused++;
        }

        Assert.InRange(refused, least, int.MaxValue);
        await store.PingAsync();
    }

    [Theory(Timeout = 120_000)]
    [InlineData("log")]
    [InlineData("ids")]
    [InlineData("names")]
    [InlineData("newest")]
    [InlineData("documents")]
    [InlineData("titles")]
    [InlineData("states")]
    [InlineData("cuts")]
    [InlineData("category:default\0")]
    [InlineData("tag:default\0tag")]
    public async Task A_key_of_another_type_is_found_before_anything_is_written(string part)
    {
        await using var store = await DamagedStore.StartAsync(isSwept: true);
        RedisKey key = $"{{damaged}}:{part}";
        for (var i = 0; i < store.Writers(store.Open()).Length; i++)
        {
            await store.RestoreAsync();
            await using var engine = store.Open();
            await engine.InitializeAsync(Token);
            var (name, call) = store.Writers(engine)[i];
            await store.Database.KeyDeleteAsync(key);
            await store.Database.StringSetAsync(key, "of another type");
            var before = await DumpAsync(store);
            try
            {
                await call();
            }
            catch (StorageException damage)
            {
                Assert.IsNotType<BatchOutcomeUnknownException>(damage);
                Assert.True(
                    damage.Message.Contains(((string)key!).Replace('\0', '/'), StringComparison.Ordinal), $"{name}: {damage.Message}");
                Assert.Equal(before, await DumpAsync(store));
            }
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task A_number_that_no_store_reaches_is_refused_before_anything_is_written()
    {
        await using var store = await DamagedStore.StartAsync(isSwept: true);
        await store.Database.HashSetAsync("{damaged}:meta", [new("checkpoint", 1L << 47), new("document", 1L << 47)]);
        await using var engine = store.Open();
        await engine.InitializeAsync(Token);
        var before = await DumpAsync(store);
        foreach (var (name, call) in store.Writers(engine).Where(one => one.Name is "commit" or "put document"))
        {
            var refused = await Record.ExceptionAsync(call);
            Assert.True(refused is CorruptStorageException, $"{name}: {refused}");
        }

        Assert.Equal(before, await DumpAsync(store));
    }

    [Theory(Timeout = 120_000)]
    [InlineData("meta")]
    [InlineData("log")]
    [InlineData("ids")]
    [InlineData("names")]
    [InlineData("documents")]
    [InlineData("titles")]
    [InlineData("newest")]
    public async Task A_key_that_expires_is_refused_at_opening(string part)
    {
        await using var store = await DamagedStore.StartAsync(isSwept: true);
        await store.Database.KeyExpireAsync($"{{damaged}}:{part}", TimeSpan.FromHours(1));
        await using var engine = store.Open();
        var refused = await Assert.ThrowsAsync<StorageException>(async () => await engine.InitializeAsync(Token));
        Assert.Contains($"{{damaged}}:{part}", refused.Message, StringComparison.Ordinal);
        Assert.Contains("PERSIST", refused.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 120_000)]
    public async Task An_index_that_expires_is_found_by_verifying()
    {
        await using var store = await DamagedStore.StartAsync(isSwept: true);
        await using var engine = store.Open();
        await engine.InitializeAsync(Token);
        await store.Database.KeyExpireAsync(new RedisSchema("damaged").Index(RedisSchema.NameOf("long")), TimeSpan.FromHours(1));
        var damage = Assert.Single((await engine.VerifyAsync(cancellationToken: Token)).Damages);
        Assert.Contains("long", damage.Place, StringComparison.Ordinal);
    }

    [Fact]
    public void Numbers_of_an_entry_whose_checksum_was_forged_allocate_nothing()
    {
        var attempt = new CommitAttempt("stream", Guid.NewGuid(), [new EventRecord(Guid.NewGuid(), "type", new byte[10])]);
        var entry = new byte[Header].Concat(RedisRows.Encode(attempt, RedisSchema.NameOf("stream"), unitSize: 1)[0].Body).ToArray();
        entry.AsSpan(Header - RedisRows.StampDigits, RedisRows.StampDigits).Fill((byte)'0');
        foreach (var at in (int[])[8, 12, 16])
        {
            var forged = entry.ToArray();
            BinaryPrimitives.WriteInt32BigEndian(forged.AsSpan(Header + at), int.MaxValue);
            BinaryPrimitives.WriteInt32BigEndian(forged.AsSpan(Header + 16), int.MaxValue);
            BinaryPrimitives.WriteUInt32BigEndian(forged.AsSpan(Header), RedisRows.Checksum(forged.AsSpan(Header + 4)));
            var before = GC.GetAllocatedBytesForCurrentThread();
            if (at == 16) RedisRows.Decode(forged, null);
            else Assert.Throws<CorruptStorageException>(() => RedisRows.Decode(forged, null));
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        }
    }

    [Theory(Timeout = 120_000)]
    [InlineData("")]
    [InlineData("\0")]
    [InlineData("\u00FF")]
    [InlineData("\u00FF\u00FF\u00FF\u00FF")]
    [InlineData("default")]
    [InlineData("default\0\0")]
    [InlineData("nan")]
    public async Task A_name_that_is_none_never_makes_a_removal_endless(string name)
    {
        await using var store = await DamagedStore.StartAsync(isSwept: true);
        foreach (var stepEntries in (int[])[1, 2, 3, 100])
        {
            await store.RestoreAsync();
            await using var engine = store.Open(stepEntries);
            await engine.InitializeAsync(Token);
            await store.Database.SortedSetAddAsync("{damaged}:names", System.Text.Encoding.Latin1.GetBytes(name), 0);
            var error = await Record.ExceptionAsync(() => engine.PurgeAllAsync(Token).AsTask().WaitAsync(Patience, Token));
            Assert.True(error is null or (EventStoreException and not StorageUnavailableException), $"{stepEntries} a step: {error}");
            await store.PingAsync();
        }
    }

    [Theory(Timeout = 10_000_000)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Every_member_survives_every_damage_of_every_key(bool isSwept)
    {
        await using var store = await DamagedStore.StartAsync(isSwept);
        var run = new MutationRun(1_250, 100_000, MaxAllocatedBytes);
        var (engine, isForged) = (store.Open(), false);
        await run.RunAsync(
            async (seed, random) =>
            {
                if (seed % CasesBetweenChecks == 0) await store.RequireWorkingAsync();
                await store.RestoreAsync();
                engine = store.Open();
                await engine.InitializeAsync(Token);
                var mutator = new KeyMutator(store.Database, random);
                var done = await mutator.MutateAsync(store.Kept[seed % store.Kept.Count].Key);
                isForged = mutator.IsForged;
                return done;
            },
            async random =>
            {
                await using var closing = engine;
                var writers = store.Writers(engine);
                random.Shuffle(writers);
                foreach (var (name, call) in store.Readers(engine, isForged).Concat(writers))
                    await run.ReturnsAsync(name, call, error => error is not StorageUnavailableException);
                await store.PingAsync();
            });
        await store.RequireWorkingAsync();
        Assert.Equal(0, await store.CountSlowAsync());
    }

    private static async Task<string> DumpAsync(DamagedStore store)
    {
        var dumps = await Task.WhenAll(store.Kept.Select(one => store.Database.KeyDumpAsync(one.Key)));
        return string.Join(',', dumps.Select(dump => Convert.ToHexString(dump ?? [])));
    }
}
