using Npgsql;

namespace EventStore.Postgres.Tests;

/// <summary>
/// Snapshots that are saved while their stream is deleted: they go with it or are refused, and neither waits for the other without end.
/// </summary>
public sealed class SnapshotDeletionTests : IAsyncLifetime
{
    private const int Rounds = 40;
    private readonly TestSchema schema = new();
    private IPersistenceEngine? opened;

    private IPersistenceEngine Engine => opened ?? throw new InvalidOperationException("The test has not begun.");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => opened = await TestStores.OpenEngineAsync(await TestSchema.AddressAsync(), schema.Options);

    public async ValueTask DisposeAsync()
    {
        if (opened is not null) await opened.DisposeAsync();
        await schema.DisposeAsync();
    }

    // Another connection holds the stream's row until both wait; the one that came first goes on first.
    [Theory(Timeout = 60_000)]
    [InlineData(false, false), InlineData(false, true), InlineData(true, false), InlineData(true, true)]
    public async Task A_snapshot_that_comes_before_a_deletion_goes_with_its_stream(bool isReplaced, bool isPurge)
    {
        await Engine.CommitAsync(TestStores.Attempt("stream", ExpectedRevision.NoStream));
        if (isReplaced) await SaveAsync();
        await using var holding = new NpgsqlConnection(await TestSchema.AddressAsync());
        await holding.OpenAsync(Token);
        await using var held = await holding.BeginTransactionAsync(Token);
        await using (var hold = new NpgsqlCommand($"SELECT FROM {schema.Quoted}.streams FOR UPDATE",
            holding)) await hold.ExecuteNonQueryAsync(Token);
        var saving = SaveAsync();
        await schema.UntilWaitingAsync(1);
        var deleting = isPurge ? Engine.PurgeBucketAsync(StreamId.DefaultBucket, Token).AsTask()
            : Engine.DeleteStreamAsync("stream", StreamExpectation.Any, Token).AsTask();
        await schema.UntilWaitingAsync(2);
        await held.CommitAsync(Token);
        await saving;
        await deleting;
        Assert.Equal("0 0 0",
            await schema.RunAsync(
            "SELECT concat_ws(' ', (SELECT count(*) FROM {schema}.streams), (SELECT count(*) FROM {schema}.events), (SELECT count(*) "
                + "FROM {schema}.snapshots))"));
        Assert.Equal([], (await Engine.VerifyAsync(cancellationToken: Token)).Damages);
    }

    [Fact(Timeout = 120_000)]
    public async Task Snapshots_saved_while_streams_are_deleted_are_kept_whole_or_refused()
    {
        for (var round = 0; round < Rounds; round++)
        {
            await Engine.CommitAsync(TestStores.Attempt("stream", ExpectedRevision.NoStream));
            await SaveAsync();
            await Task.WhenAll(TrySaveAsync(), Engine.DeleteStreamAsync("stream", StreamExpectation.Any, Token).AsTask(), TrySaveAsync());
        }

        Assert.Equal([], (await Engine.VerifyAsync(cancellationToken: Token)).Damages);
    }

    private Task SaveAsync() =>
        Engine.SaveSnapshotAsync(new SnapshotRecord("stream", new Revision(1), 0, "state", "payload"u8.ToArray()), Token).AsTask();

    private async Task TrySaveAsync()
    {
        try
        {
            await SaveAsync();
        }
        catch (SnapshotRefusedException)
        {
            // The stream was gone before.
        }
    }
}
