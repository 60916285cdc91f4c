using SQLitePCL;

namespace EventStore.Sqlite.Tests;

/// <summary>Every statement finds what it needs by an index: the cost of none grows with what else is stored.</summary>
public sealed class PlanTests : IDisposable
{
    // These are meant to see everything: their callers ask for that.
    private static readonly string[] Whole = ["check-pages", "purge-categories", "purge-commits", "purge-gathered", "purge-recent",
        "purge-revisions", "purge-snapshots", "purge-streams", "purge-tags", "verify-categories", "verify-documents", "verify-entries",
        "verify-numbers", "verify-snapshot-revisions", "verify-snapshots", "verify-stream-rows", "verify-strays", "verify-streams",
        "verify-tags", "verify-truncated"];

    // These see a table that never has more than a bounded number of rows.
    private static readonly string[] Small = ["create-categories", "create-commits", "create-documents", "create-gathered", "create-recent",
        "create-revisions", "create-snapshots", "create-store", "create-streams", "create-tags", "find-schema", "find-schema-version",
        "gather-categories", "move-gathered", "move-recent"];
    private readonly TestDirectory directory = new();

    public static TheoryData<string> Hot => [.. typeof(SqliteSql).Assembly.GetManifestResourceNames()
        .Where(name => name.EndsWith(".sql", StringComparison.Ordinal)).Select(name => name[..^4]).Except(Whole).Except(Small)
        .Order(StringComparer.Ordinal)];

    public void Dispose() => directory.Dispose();

    [Theory, MemberData(nameof(Hot))]
    public async Task No_statement_scans_a_table_or_sorts(string file)
    {
        await using var engine = await directory.OpenAsync();
        await FillAsync(engine, 100);
        var plan = await PlanOfAsync(engine, file);
        Assert.DoesNotContain(plan,
            step => step.StartsWith("SCAN", StringComparison.Ordinal) || step.Contains("TEMP B-TREE", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("verify-numbers", "SCAN")]
    [InlineData("find-schema", "SCAN")]
    public async Task A_scan_would_be_seen(string file, string expected)
    {
        await using var engine = await directory.OpenAsync();
        Assert.Contains(await PlanOfAsync(engine, file), step => step.StartsWith(expected, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Opening_a_stream_searches_its_name_its_revisions_and_its_commits_and_nothing_else()
    {
        await using var engine = await directory.OpenAsync();
        var plan = await PlanOfAsync(engine, "find-head");
        Assert.Equal("SEARCH named USING INDEX sqlite_autoindex_events_streams_1 (bucket=? AND category=? AND id=?)", plan[0]);
        Assert.Equal("SEARCH newest USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN", plan[1]);
        plan = await PlanOfAsync(engine, "read-revisions-forward");
        Assert.Equal("SEARCH entry USING PRIMARY KEY (stream=? AND revision>? AND revision<?)", plan[0]);
        Assert.Contains("SEARCH stored USING INTEGER PRIMARY KEY (rowid=?)", plan);
    }

    [Fact]
    public async Task Opening_a_stream_of_ten_events_reads_as_many_pages_among_many_events_as_among_few()
    {
        await using var engine = await directory.OpenAsync(new SqliteOptions { Durability = Durability.Fast });
        for (var i = 0; i < 10; i++) await engine.AppendAsync("ten", $"{i}");
        await FillAsync(engine, 1_000);
        var few = await PagesReadAsync(engine);
        await FillAsync(engine, 50_000);
        var many = await PagesReadAsync(engine);
        Assert.InRange(few, 1, 30);
        Assert.InRange(many, few, few + 6); // the three trees may each have grown by a level or two
    }

    private static async Task FillAsync(SqlitePersistenceEngine engine, int commits)
    {
        for (var i = 0; i < commits; i += 1_000)
            await engine.CommitAsync([.. Enumerable.Range(i, Math.Min(1_000, commits))
                .Select(at => Samples.Attempt($"stream-{at % 500}", new string('x', 200)))]);
    }

    private static ValueTask<List<string>> PlanOfAsync(SqlitePersistenceEngine engine, string file) => engine.Database.ReadAsync(session =>
    {
        using var explain = new SqliteStatement(session.Connection.Handle!, "EXPLAIN QUERY PLAN " + session.Sql[file]);
        var steps = new List<string>();
        while (explain.Step()) steps.Add(explain.Text(3));
        return steps;
    }, CancellationToken.None);

    // Counted by a connection that has read nothing yet.
    private async Task<int> PagesReadAsync(SqlitePersistenceEngine engine)
    {
        const int CacheMisses = 8;
        await using var fresh = await directory.OpenAsync();
        return await fresh.Database.ReadAsync(session =>
        {
            raw.sqlite3_db_status(session.Connection.Handle!, CacheMisses, out _, out _, 1);
            var page = session.Reader.ReadStream(
                new StreamRead("ten", new Revision(1), Revision.Max, ReadDirection.Forward, new PageLimit(100, long.MaxValue)));
            Assert.Equal(10, page.Events.Length);
            raw.sqlite3_db_status(session.Connection.Handle!, CacheMisses, out var misses, out _, 0);
            return misses;
        }, CancellationToken.None);
    }
}
