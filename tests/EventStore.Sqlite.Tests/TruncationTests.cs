namespace EventStore.Sqlite.Tests;

/// <summary>A long truncation is made in steps, its space comes back, and what stays is a row without events.</summary>
public sealed class TruncationTests : IDisposable
{
    private const int Commits = 3_000;
    private readonly TestDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task The_space_of_truncated_events_comes_back_and_other_writers_get_their_turn()
    {
        await using (var engine = await FillAsync())
        {
            var truncating = Task.Run(async () => await engine.TruncateStreamAsync("long", new Revision(Commits), StreamExpectation.Any));
            for (var i = 0; i < 20; i++) await engine.AppendAsync("other", "body");
            var change = await truncating;
            Assert.Equal((StreamChangeKind.Changed, (long)Commits), (change.Kind, change.State.FirstRevision.Value));
            Assert.Equal([new string('x', 1_000)], await engine.ReadAsync("long"));
            Assert.True((await engine.VerifyAsync()).IsSound);
        }

        Assert.Equal((long)Commits, directory.Run("SELECT count(*) FROM events_commits WHERE stream = 1"));
        Assert.Equal(1L, directory.Run("SELECT count(*) FROM events_tags"));
        Assert.InRange((long)directory.Run("SELECT count(*) FROM events_categories WHERE checkpoint <= 3000")!, 0, 1);
        directory.Run("VACUUM");
        Assert.InRange(new FileInfo(directory.Database).Length, 0, Commits * 200);
    }

    [Fact]
    public async Task A_stream_that_is_deleted_between_the_steps_of_its_truncation_stays_deleted()
    {
        await using var engine = await FillAsync();
        var first = await engine.Database.WriteAsync(
            session => SqliteTruncation.Step(session, "long", Revision.Max, StreamExpectation.Any), CancellationToken.None);
        Assert.False(first.IsDone);
        Assert.True((await engine.VerifyAsync()).IsSound);
        await engine.DeleteStreamAsync("long", StreamExpectation.Any);
        await engine.AppendAsync("long", "again");
        var second = await engine.Database.WriteAsync(
            session => SqliteTruncation.Step(session, "long", Revision.Max, new(ExpectedRevision.Any, first.Change.State.Incarnation)),
            CancellationToken.None);
        Assert.Equal((StreamChangeKind.Conflict, true), (second.Change.Kind, second.IsDone));
        Assert.Equal(["again"], await engine.ReadAsync("long"));
        Assert.True((await engine.VerifyAsync()).IsSound);
    }

    private async Task<SqlitePersistenceEngine> FillAsync()
    {
        var engine = await directory.OpenAsync(new SqliteOptions { Durability = Durability.Fast });
        for (var i = 0; i < Commits; i += 500)
            await engine.CommitAsync([.. Enumerable.Range(i, 500).Select(at => Samples.Tagged("long", new string('x', 1_000), $"{at}"))]);
        return engine;
    }
}
