using System.Transactions;
using Npgsql;

namespace EventStore.Postgres.Tests;

/// <summary>
/// A scope of System.Transactions that the application has around its calls: the store has no part in it, or a commit would be reported
/// before it is one.
/// </summary>
public sealed class AmbientTransactionTests : IAsyncLifetime
{
    private readonly TestSchema schema = new();
    private NpgsqlDataSource? made;

    private NpgsqlDataSource Database => made ?? throw new InvalidOperationException("The test has not begun.");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => made = NpgsqlDataSource.Create(await TestSchema.AddressAsync());

    public async ValueTask DisposeAsync()
    {
        if (made is not null) await made.DisposeAsync();
        await schema.DisposeAsync();
    }

    [Theory(Timeout = 60_000), InlineData(true), InlineData(false)]
    public async Task A_commit_inside_a_scope_that_is_given_up_is_there(bool isOfApplication)
    {
        var address = await TestSchema.AddressAsync();
        await using var store = await TestStores.BuildAsync(wireup => isOfApplication
            ? wireup.UsingPostgresPersistence(Database, schema.Options) : wireup.UsingPostgresPersistence(address, schema.Options));
        await store.AppendAsync("order", "placed", Token);
        using (new TransactionScope(TransactionScopeAsyncFlowOption.Enabled))
        {
            Assert.Equal(2, (await store.AppendAsync("order", "paid", Token)).LastRevision.Value);
        }

        Assert.Equal(2L, await schema.RunAsync("SELECT revision FROM {schema}.streams WHERE id = 'order'"));
        Assert.Equal(3, (await store.AppendAsync("order", "shipped", Token)).LastRevision.Value);
        Assert.Equal(3L, await schema.RunAsync("SELECT count(*) FROM {schema}.events"));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_store_is_made_and_used_inside_a_scope_as_outside()
    {
        var address = await TestSchema.AddressAsync();
        using (new TransactionScope(TransactionScopeAsyncFlowOption.Enabled))
        {
            await using var engine = await TestStores.OpenEngineAsync(address, schema.Options);
            await engine.CommitAsync(TestStores.Attempt("deleted", ExpectedRevision.NoStream));
            await engine.CommitAsync(TestStores.Attempt("kept", ExpectedRevision.NoStream));
            await engine.SaveSnapshotAsync(new SnapshotRecord("kept", new Revision(1), 0, "state", "payload"u8.ToArray()), Token);
            await engine.PutDocumentAsync("document", "content"u8.ToArray(), 0, Token);
            await engine.WaitForCommitsAsync(new Checkpoint(0), TimeSpan.FromMinutes(5), Token);
            Assert.Equal(StreamChangeKind.Changed, (await engine.DeleteStreamAsync("deleted", StreamExpectation.Any, Token)).Kind);
            Assert.Single(await engine.ReadAllAsync());
        }

        Assert.Equal("kept 1 1 1",
            await schema.RunAsync(
            "SELECT concat_ws(' ', (SELECT id FROM {schema}.streams), (SELECT count(*) FROM {schema}.events), (SELECT count(*) FROM "
                + "{schema}.snapshots), (SELECT count(*) FROM {schema}.documents))"));
        Assert.Equal(0L, await schema.RunAsync(
            "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND strpos(query, '{schema}.') > 0"));
    }
}
