using EventStore.Conformance;
using EventStore.TestServers;
using Npgsql;

namespace EventStore.Postgres.Tests;

/// <summary>A pooler before the server that gives out its connections by transaction: PgBouncer.</summary>
public sealed class PoolerTests : IAsyncLifetime
{
    private readonly TestSchema schema = new();

    public ValueTask InitializeAsync() => default;

    public ValueTask DisposeAsync() => schema.DisposeAsync();

    [Theory(Timeout = 60_000)]
    [InlineData(1)]
    [InlineData(8)]
    public async Task A_pooler_that_mixes_up_prepared_statements_is_refused_at_opening_with_what_to_do(int serverConnections)
    {
        await using var pooler = await PooledBackend.StartPoolerAsync(serverConnections);
        var address = await PooledBackend.AddressOfAsync(pooler) + ";Max Auto Prepare=64";
        var refused = await Assert.ThrowsAsync<StorageException>(() => TestStores.OpenEngineAsync(address, schema.Options));
        Assert.Contains("Max Auto Prepare=0", refused.Message, StringComparison.Ordinal);
        Assert.Null(await schema.RunAsync($"SELECT 1 FROM pg_namespace WHERE nspname = '{schema.Options.Schema}'"));
    }

    [Fact(Timeout = 120_000)]
    public async Task Writers_that_share_two_connections_of_the_server_lose_and_double_nothing_and_leave_it_as_it_was()
    {
        const int Writers = 8;
        const int Commits = 25;
        await using var pooler = await PooledBackend.StartPoolerAsync(serverConnections: 2);
        var address = await PooledBackend.AddressOfAsync(pooler);
        schema.Options.UseNotifications = false;
        await using (var first = await TestStores.OpenEngineAsync(address, schema.Options))
        await using (var second = await TestStores.OpenEngineAsync(address, schema.Options))
        {
            await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
            {
                var engine = writer % 2 == 0 ? first : second;
                for (var i = 0; i < Commits; i++)
                {
                    await engine.CommitAsync(TestStores.Attempt($"writer-{writer}", ExpectedRevision.Exactly(i)));
                    Assert.Equal(i + 1, (await engine.FindHeadAsync($"writer-{writer}"))!.Revision.Value);
                }
            })));
            Assert.Equal(Enumerable.Range(1, Writers * Commits),
                (await second.ReadAllAsync()).Select(recorded => (int)recorded.Checkpoint.Value));
            Assert.True((await first.VerifyAsync()).IsSound);
        }

        // What another client of the pooler is given.
        await using var other = new NpgsqlConnection(address + ";Pooling=false");
        await other.OpenAsync();
        await using var show = new NpgsqlCommand(
            "SELECT current_setting('enable_seqscan') || ' ' || current_setting('plan_cache_mode')", other);
        Assert.Equal("on auto", await show.ExecuteScalarAsync());
    }
}

/// <summary>PostgreSQL behind PgBouncer, as its page says to set it up.</summary>
public sealed class PooledBackend : IBackend
{
    private readonly TestSchema schema = new();
    private PrivatePgBouncer? pooler;

    public async ValueTask<IPersistenceEngine> OpenAsync(EngineContext context)
    {
        pooler ??= await StartPoolerAsync(serverConnections: 4);
        schema.Options.UseNotifications = false;
        return new EngineCatalogue().AddPostgres(schema.Options).Create($"postgres:{await AddressOfAsync(pooler)}", context);
    }

    public async ValueTask DisposeAsync()
    {
        if (pooler is null) return;
        await pooler.DisposeAsync();
        await schema.DisposeAsync();
    }

    internal static async Task<PrivatePgBouncer> StartPoolerAsync(int serverConnections)
    {
        var server = new NpgsqlConnectionStringBuilder(await TestSchema.AddressAsync());
        return await PrivatePgBouncer.StartAsync(
            server.Host ?? "127.0.0.1", server.Port, server.Username ?? "postgres", server.Password, serverConnections);
    }

    internal static async Task<string> AddressOfAsync(PrivatePgBouncer pooler)
    {
        var server = new NpgsqlConnectionStringBuilder(await TestSchema.AddressAsync());
        (server.Host, server.Port, server.MaxAutoPrepare) = ("127.0.0.1", pooler.Port, 0);
        return server.ConnectionString;
    }
}

public sealed class PooledCommits : CommitSpecification<PooledBackend>;

public sealed class PooledConcurrency : ConcurrencySpecification<PooledBackend>;

public sealed class PooledDocuments : DocumentSpecification<PooledBackend>;
