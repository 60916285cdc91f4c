namespace EventStore.Postgres.Tests;

/// <summary>
/// The newest changes are lost, as by a failover to a standby that was behind, while a process that remembers them goes on. That it finds
/// the store as often changed as it remembers means nothing: others may have changed it since.
/// </summary>
public sealed class LostTailTests : IAsyncLifetime
{
    private static readonly string[] Tables = ["store", "streams", "events"];
    private readonly TestSchema schema = new();
    private string address = "";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => address = await TestSchema.AddressAsync();

    public ValueTask DisposeAsync() => schema.DisposeAsync();

    [Theory(Timeout = 60_000), InlineData(1), InlineData(2)]
    public async Task A_commit_rests_on_what_is_there_when_the_last_one_was_lost(int events)
    {
        await using var remembering = await TestStores.OpenEngineAsync(address, schema.Options);
        await remembering.CommitAsync(TestStores.Attempt("stream", ExpectedRevision.NoStream));
        await KeepAsync();
        await remembering.CommitAsync(TestStores.Attempt("stream", ExpectedRevision.Exactly(1), "lost"));
        await LoseWhatCameAfterAsync();
        await using var other = await TestStores.OpenEngineAsync(address, schema.Options);
        await other.CommitAsync(TestStores.Attempt("other", ExpectedRevision.NoStream));

        var outcome = await remembering.CommitAsync(new CommitAttempt(
            "stream", SequentialGuid.Next(),
            [.. Enumerable.Range(0, events).Select(_ => new EventRecord(SequentialGuid.Next(), "next", default))]));
        Assert.Equal((2L, 3L), (outcome.Commit!.FirstRevision.Value, outcome.Commit.FirstCheckpoint.Value));
        Assert.Equal([], (await remembering.VerifyAsync(cancellationToken: Token)).Damages);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_commit_rests_on_what_is_there_when_the_last_deletion_was_lost_and_followed_by_another()
    {
        await using var remembering = await TestStores.OpenEngineAsync(address, schema.Options);
        await using var other = await TestStores.OpenEngineAsync(address, schema.Options);
        await remembering.CommitAsync(TestStores.Attempt("first", ExpectedRevision.NoStream));
        await remembering.CommitAsync(TestStores.Attempt("second", ExpectedRevision.NoStream));
        await KeepAsync();
        Assert.Equal(StreamChangeKind.Changed, (await other.DeleteStreamAsync("first", StreamExpectation.Any, Token)).Kind);
        Assert.Equal(CommitOutcomeKind.Conflict,
            (await remembering.CommitAsync(TestStores.Attempt("second", ExpectedRevision.NoStream))).Kind);
        await LoseWhatCameAfterAsync();
        Assert.Equal(StreamChangeKind.Changed, (await other.DeleteStreamAsync("second", StreamExpectation.Any, Token)).Kind);

        var outcome = await remembering.CommitAsync(TestStores.Attempt("second", ExpectedRevision.Any));
        Assert.Equal(1, outcome.Commit!.FirstRevision.Value);
        Assert.Equal([], (await remembering.VerifyAsync(cancellationToken: Token)).Damages);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_stream_that_was_lost_gives_its_name_to_no_other()
    {
        await using var remembering = await TestStores.OpenEngineAsync(address, schema.Options);
        await remembering.CommitAsync(TestStores.Attempt("stream", ExpectedRevision.NoStream));
        await KeepAsync();
        await remembering.CommitAsync(TestStores.Attempt("lost", ExpectedRevision.NoStream));
        Assert.Equal(["stream", "lost"], (await remembering.ReadAllAsync()).Select(recorded => recorded.Commit.Stream.Id));
        await LoseWhatCameAfterAsync();
        await using var other = await TestStores.OpenEngineAsync(address, schema.Options);
        await other.CommitAsync(TestStores.Attempt("other", ExpectedRevision.NoStream));
        Assert.Equal(["stream", "other"], (await remembering.ReadAllAsync()).Select(recorded => recorded.Commit.Stream.Id));
    }

    private async Task KeepAsync()
    {
        foreach (var table in Tables) await schema.RunAsync($"CREATE TABLE {{schema}}.kept_{table} AS TABLE {{schema}}.{table}");
    }

    private async Task LoseWhatCameAfterAsync()
    {
        foreach (var table in Tables) await schema.RunAsync(
            $"DELETE FROM {{schema}}.{table}; INSERT INTO {{schema}}.{table} SELECT * FROM {{schema}}.kept_{table}");
    }
}
