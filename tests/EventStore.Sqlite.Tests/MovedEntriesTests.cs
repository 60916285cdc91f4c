namespace EventStore.Sqlite.Tests;

/// <summary>
/// Entries of streams are moved twice while a store grows. Wherever they are, reads, removals and verifications find them.
/// </summary>
public sealed class MovedEntriesTests : IDisposable
{
    private const int Streams = 10;
    private const int Batch = 500;
    private static readonly string[] Tables = ["events_revisions", "events_gathered", "events_recent"];
    private readonly TestDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task A_stream_whose_entries_lie_in_all_tables_is_read_whole_both_ways_from_anywhere()
    {
        await using var engine = await FillAsync();
        var head = (await engine.FindHeadAsync("stream-3"))!.Revision.Value;
        var revisions = Enumerable.Range(1, (int)head).Select(revision => (long)revision).ToArray();
        Assert.Equal(revisions, await RevisionsAsync(engine, new Revision(1), Revision.Max, ReadDirection.Forward));
        Assert.Equal(revisions.Reverse(), await RevisionsAsync(engine, new Revision(1), Revision.Max, ReadDirection.Backward));
        Assert.Equal(revisions[^200..], await RevisionsAsync(engine, new Revision(head - 199), Revision.Max, ReadDirection.Forward));
        Assert.Equal(revisions[1_000..^1_000].Reverse(),
            await RevisionsAsync(engine, new Revision(1_001), new Revision(head - 1_000), ReadDirection.Backward));
        Assert.True((await engine.VerifyAsync()).IsSound);
    }

    [Fact]
    public async Task What_is_removed_is_removed_from_all_tables_and_what_is_not_stays()
    {
        await using (var engine = await FillAsync())
        {
            Assert.Equal(StreamChangeKind.Changed, (await engine.DeleteStreamAsync("stream-3", StreamExpectation.Any)).Kind);
            Assert.Null(await engine.FindHeadAsync("stream-3"));
            Assert.Equal(Streams - 1, (await engine.ListHeadsAsync(new HeadQuery(null, 0, null, 100))).Count);
            Assert.True((await engine.VerifyAsync()).IsSound);
            Assert.Equal(4L, (await engine.AppendAsync("stream-4", "a", "b", "c", "d")).EventCount);
            await engine.PurgeBucketAsync(StreamId.DefaultBucket);
            Assert.True((await engine.VerifyAsync()).IsSound);
        }

        foreach (var table in Tables) Assert.Equal(0L, directory.Run($"SELECT count(*) FROM {table}"));
        Assert.Equal(0L, directory.Run("SELECT count(*) FROM events_commits"));
    }

    // As many commits as it takes until every table has some of every stream.
    private async Task<SqlitePersistenceEngine> FillAsync()
    {
        var engine = await directory.OpenAsync(new SqliteOptions { Durability = Durability.Fast });
        for (var i = 0; i < 73; i++) await engine.CommitAsync(
            [.. Enumerable.Range(0, Batch).Select(at => Samples.Attempt($"stream-{at % Streams}", "body"))]);
        foreach (var table in Tables) Assert.Equal((long)Streams, directory.Run($"SELECT count(DISTINCT stream) FROM {table}"));
        return engine;
    }

    private static async Task<List<long>> RevisionsAsync(SqlitePersistenceEngine engine, Revision from, Revision to,
        ReadDirection direction)
    {
        var found = new List<long>();
        while (true)
        {
            var page = await engine.ReadStreamAsync(new StreamRead("stream-3", from, to, direction, new PageLimit(700, long.MaxValue)));
            found.AddRange(page.Events.ToArray().Select(recorded => recorded.Revision.Value));
            if (page.IsEnd) return found;
            if (direction == ReadDirection.Forward) from = new Revision(found[^1] + 1);
            else to = new Revision(found[^1] - 1);
        }
    }
}
