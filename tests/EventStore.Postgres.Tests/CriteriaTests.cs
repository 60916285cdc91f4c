using Npgsql;

namespace EventStore.Postgres.Tests;

/// <summary>Terms, pages of criteria, truncation in steps, and conditions and units inside a transaction of the application.</summary>
public sealed class CriteriaTests : IAsyncLifetime
{
    private readonly TestSchema schema = new();
    private string address = "";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => address = await TestSchema.AddressAsync();

    public ValueTask DisposeAsync() => schema.DisposeAsync();

    [Theory]
    [InlineData("default", "")]
    [InlineData("default", "course:42")]
    [InlineData("b\u00E9", "e\u0301 \\ ' \" \U0001F600")]
    public async Task A_term_is_the_same_to_the_server_and_to_this_process(string bucket, string name)
    {
        await using var engine = await TestStores.OpenEngineAsync(address, schema.Options);
        await using var connection = new NpgsqlConnection(address);
        await connection.OpenAsync(Token);
        await using var command = new NpgsqlCommand($"SELECT {schema.Quoted}.term($1, $2)", connection)
        {
            Parameters = { new NpgsqlParameter { Value = bucket }, new NpgsqlParameter { Value = name } },
        };
        Assert.Equal(await command.ExecuteScalarAsync(Token), PostgresTerms.Of(bucket, name));
    }

    [Fact(Timeout = 120_000)]
    public async Task Tags_that_never_stand_together_are_passed_over_page_by_page()
    {
        await using var engine = await TestStores.OpenEngineAsync(address, schema.Options);
        for (var i = 0; i < 20; i++) await engine.CommitAsync(Attempt("stream", 1_000, at => [at % 2 == 0 ? "even" : "odd"]));
        foreach (var direction in Enum.GetValues<ReadDirection>())
        {
            var (after, upTo, pages) = (Checkpoint.Origin, Checkpoint.Max, 0);
            for (var isEnd = false; !isEnd; pages++)
            {
                var filter = new EventFilter { Criteria = EventCriteria.Tagged("even", "odd") };
                var page = await engine.ReadAllAsync(new StoreRead(filter, after, upTo, direction, new PageLimit(100, 1 << 20)), Token);
                Assert.Equal(0, page.Events.Length);
                isEnd = page.IsEnd;
                if (isEnd) continue;
                Assert.True(direction == ReadDirection.Forward ? page.Position > after : page.Position < upTo);
                (after, upTo) = direction == ReadDirection.Forward ? (page.Position, upTo) : (after, new(page.Position.Value - 1));
            }

            Assert.InRange(pages, 2, 4);
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task A_long_truncation_leaves_a_row_a_commit_and_lets_other_writers_in()
    {
        const int Commits = 12;
        await using var engine = await TestStores.OpenEngineAsync(address, schema.Options);
        for (var i = 0; i < Commits; i++) await engine.CommitAsync(Attempt("long", 1_000, at => [$"{at}"]));
        var truncating = engine.TruncateStreamAsync("long", new Revision(11_500), StreamExpectation.Any, Token).AsTask();
        for (var i = 0; i < 20; i++) await engine.CommitAsync(TestStores.Attempt("other", ExpectedRevision.Any));
        var change = await truncating;
        Assert.Equal((StreamChangeKind.Changed, 11_500L), (change.Kind, change.State.FirstRevision.Value));
        Assert.Equal([], (await engine.VerifyAsync(cancellationToken: Token)).Damages);
        Assert.Equal("12 513 501", await schema.RunAsync(
            "SELECT concat_ws(' ', count(*) FILTER (WHERE type = ''), count(*), (SELECT count(*) FROM {schema}.tags)) "
                + "FROM {schema}.events WHERE stream = 1"));
        Assert.Equal(501 + 20, (await engine.ReadAllAsync()).Count);
        Assert.Equal(20 + 501L, await schema.RunAsync("SELECT count(*) FROM {schema}.readable_events"));
    }

    [Theory]
    [InlineData("DELETE FROM {schema}.tags", "an entry of one of its tags is missing")]
    [InlineData("INSERT INTO {schema}.tags VALUES (7, 1)", "leads to no such event")]
    [InlineData("UPDATE {schema}.events SET category = 7 WHERE checkpoint = 2", "category is not that of its stream")]
    [InlineData("UPDATE {schema}.streams SET first_revision = 2", "its head says")]
    [InlineData("UPDATE {schema}.events SET type = '' WHERE checkpoint = 2", "of its 3 events")]
    public async Task What_no_commit_leaves_behind_is_named(string change, string problem)
    {
        await using var engine = await TestStores.OpenEngineAsync(address, schema.Options);
        await engine.CommitAsync(Attempt("stream", 3, _ => ["tag"]));
        Assert.Equal([], (await engine.VerifyAsync(cancellationToken: Token)).Damages);
        await schema.RunAsync(change);
        var damages = (await engine.VerifyAsync(cancellationToken: Token)).Damages;
        Assert.Contains(damages, damage => damage.Problem.Contains(problem, StringComparison.Ordinal));
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task Conditions_and_units_are_decided_inside_a_transaction_of_the_application(bool commits)
    {
        await using var outside = await TestStores.OpenEngineAsync(address, schema.Options);
        await outside.CommitAsync(Tagged("seats", "seat:1"));
        await using var connection = new NpgsqlConnection(address);
        await connection.OpenAsync(Token);
        await using (var transaction = await connection.BeginTransactionAsync(Token))
        {
            await using var inside = new PostgresPersistenceEngine(
                PostgresConnections.Inside(transaction), schema.Options, EngineContext.Default);
            await inside.InitializeAsync(Token);
            Assert.Equal(CommitOutcomeKind.ConditionNotMet, (await inside.CommitAsync(Booking("seats", "seat:1"))).Kind);
            Assert.Equal(CommitOutcomeKind.Committed, (await inside.CommitAsync(Booking("seats", "seat:2"))).Kind);
            Assert.Equal(CommitOutcomeKind.ConditionNotMet, (await inside.CommitAsync(Booking("seats", "seat:2"))).Kind);
            var id = SequentialGuid.Next();
            var unit = Tagged("a", "unit", id);
            unit = new CommitAttempt("a", id, unit.Events) { Rest = [Tagged("b", "unit", id)] };
            var stored = await inside.CommitAsync(unit);
            Assert.Equal((CommitOutcomeKind.Committed, 2), (stored.Kind, stored.Commit!.Unit.Size));
            Assert.Equal(StreamChangeKind.Changed, (await inside.SealStreamAsync("a", StreamExpectation.Any, Token)).Kind);
            if (commits) await transaction.CommitAsync(Token);
            else await transaction.RollbackAsync(Token);
        }

        var (booked, appended) = (await outside.CommitAsync(Booking("seats", "seat:2")), await outside.CommitAsync(Tagged("a", "tag")));
        Assert.Equal(commits ? CommitOutcomeKind.ConditionNotMet : CommitOutcomeKind.Committed, booked.Kind);
        Assert.Equal(commits ? CommitOutcomeKind.Sealed : CommitOutcomeKind.Committed, appended.Kind);
        Assert.Equal([], (await outside.VerifyAsync(cancellationToken: Token)).Damages);
    }

    private static CommitAttempt Attempt(StreamId stream, int events, Func<int, string[]> tags) =>
        new(stream, SequentialGuid.Next(), [.. Enumerable.Range(0, events)
            .Select(at => new EventRecord(SequentialGuid.Next(), "type", new byte[100], default, tags(at)))]);

    private static CommitAttempt Tagged(string stream, string tag, Guid? id = null) =>
        new(stream, id ?? SequentialGuid.Next(), [new EventRecord(SequentialGuid.Next(), "type", default, default, [tag])]);

    private static CommitAttempt Booking(string stream, string tag) =>
        new(stream, SequentialGuid.Next(), [new EventRecord(SequentialGuid.Next(), "type", default, default, [tag])])
        {
            Condition = new AppendCondition(EventCriteria.Tagged(tag)),
        };
}
