using SQLitePCL;

namespace EventStore.Sqlite.Tests;

/// <summary>Reads by category and tag, and conditions, cost what they select, and their entries follow what is stored.</summary>
public sealed class CriteriaTests : IDisposable
{
    private static readonly SqliteOptions Fast = new() { Durability = Durability.Fast };
    private readonly TestDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task Reading_a_category_or_a_tag_of_1000_events_among_200000_reads_no_more_pages_than_a_stream_of_them()
    {
        const int Selected = 1_000, Others = 199;
        await using var engine = await directory.OpenAsync(Fast);
        for (var i = 0; i < Selected; i++)
        {
            var batch = Enumerable.Range(0, Others).Select(at => Samples.Tagged($"stream-{at % 500}", new string('x', 200), "frequent"));
            await engine.CommitAsync([.. batch, Samples.Tagged(new StreamId("rare", "one"), new string('x', 200), "frequent", "rare")]);
        }

        var stream = await PagesReadAsync(session => session.Reader.ReadStream(
            new StreamRead(new StreamId("rare", "one"), new Revision(1), Revision.Max, ReadDirection.Forward, Limit)).Events);
        foreach (var direction in (ReadDirection[])[ReadDirection.Forward, ReadDirection.Backward])
        {
            foreach (var criterion in (EventCriterion[])
            [
                new() { Category = "rare" }, new() { Tags = ["rare"] }, new() { Tags = ["frequent", "rare"] },
                new() { Category = "rare", Tags = ["frequent"] },
            ])
            {
                var filter = new EventFilter { Criteria = new EventCriteria(criterion) };
                var pages = await PagesReadAsync(session => session.Reader.ReadAll(
                    new StoreRead(filter, default, Checkpoint.Max, direction, Limit)).Events);
                var indexes = criterion.Tags.Count > 0 ? Selected : 0; // each search of the frequent tag may be on a page of its own
                Assert.InRange(pages, Selected / 2, (stream * 1.1) + 60 + (criterion.Tags.Contains("frequent") ? indexes : 0));
            }
        }

        var byFilter = await PagesReadAsync(session => session.Reader.ReadAll(new StoreRead(
            new EventFilter { Bucket = "default", Category = "rare" }, default, Checkpoint.Max, ReadDirection.Forward, Limit)).Events);
        Assert.InRange(byFilter, Selected / 2, (stream * 1.1) + 60);

        async Task<int> PagesReadAsync(Func<SqliteSession, ReadOnlyMemory<RecordedEvent>> read)
        {
            const int CacheMisses = 8;
            await using var fresh = await directory.OpenAsync();
            return await fresh.Database.ReadAsync(session =>
            {
                raw.sqlite3_db_status(session.Connection.Handle!, CacheMisses, out _, out _, 1);
                Assert.Equal(Selected, read(session).Length);
                raw.sqlite3_db_status(session.Connection.Handle!, CacheMisses, out var misses, out _, 0);
                return misses;
            }, CancellationToken.None);
        }
    }

    [Theory]
    [InlineData("find-tagged-forward", "SEARCH events_tags USING PRIMARY KEY (bucket=? AND tag=? AND checkpoint>?)")]
    [InlineData("find-tagged-backward", "SEARCH events_tags USING PRIMARY KEY (bucket=? AND tag=? AND checkpoint<?)")]
    [InlineData("find-category-forward", "SEARCH events_categories USING PRIMARY KEY (bucket=? AND category=? AND checkpoint>?)")]
    [InlineData("find-category-backward", "SEARCH events_categories USING PRIMARY KEY (bucket=? AND category=? AND checkpoint<?)")]
    [InlineData("find-recent-of-category-forward", "SEARCH stored USING INTEGER PRIMARY KEY (rowid>?)")]
    [InlineData("find-recent-of-category-backward", "SEARCH stored USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)")]
    [InlineData("read-commit", "SEARCH events_commits USING INTEGER PRIMARY KEY (rowid=?)")]
    public async Task Categories_tags_and_conditions_are_searched_by_key(string file, string expected)
    {
        await using var engine = await directory.OpenAsync();
        var plan = await engine.Database.ReadAsync(session =>
        {
            using var explain = new SqliteStatement(session.Connection.Handle!, "EXPLAIN QUERY PLAN " + session.Sql[file]);
            return explain.Step() ? explain.Text(3) : "";
        }, CancellationToken.None);
        Assert.Equal(expected, plan);
    }

    [Fact]
    public async Task Tags_that_never_stand_together_are_passed_over_page_by_page()
    {
        await using var engine = await directory.OpenAsync(Fast);
        for (var i = 0; i < 20; i++)
            await engine.CommitAsync(
                [.. Enumerable.Range(0, 1_000).Select(at => Samples.Tagged("stream", "", at % 2 == 0 ? "even" : "odd"))]);
        foreach (var direction in Enum.GetValues<ReadDirection>())
        {
            var (after, upTo, pages) = (Checkpoint.Origin, Checkpoint.Max, 0);
            for (var isEnd = false; !isEnd; pages++)
            {
                var filter = new EventFilter { Criteria = EventCriteria.Tagged("even", "odd") };
                var page = await engine.ReadAllAsync(new StoreRead(filter, after, upTo, direction, Limit));
                Assert.Equal(0, page.Events.Length);
                isEnd = page.IsEnd;
                if (isEnd) continue;
                Assert.True(direction == ReadDirection.Forward ? page.Position > after : page.Position < upTo);
                (after, upTo) = direction == ReadDirection.Forward ? (page.Position, upTo) : (after, new(page.Position.Value - 1));
            }

            Assert.InRange(pages, 2, 4);
        }
    }

    [Fact]
    public async Task Commits_that_use_none_of_it_leave_no_entries_of_tags()
    {
        await using (var engine = await directory.OpenAsync(Fast))
        {
            for (var i = 0; i < 5; i++)
                await engine.CommitAsync([.. Enumerable.Range(0, 500).Select(at => Samples.Attempt("stream", "body"))]);
            Assert.True((await engine.VerifyAsync()).IsSound);
        }

        Assert.Equal(0L, directory.Run("SELECT count(*) FROM events_tags"));
        Assert.Equal(directory.Run("SELECT gathered FROM events_store"), directory.Run("SELECT count(*) FROM events_categories"));
    }

    [Theory]
    [InlineData("DELETE FROM events_tags WHERE checkpoint = 7", "of its tags")]
    [InlineData("DELETE FROM events_categories WHERE checkpoint = 7", "missing")]
    [InlineData("DELETE FROM events_commits WHERE checkpoint = 7", "leads to no commit")]
    public async Task A_missing_entry_or_commit_is_named_and_a_read_that_meets_it_throws(string change, string problem)
    {
        await using (var engine = await directory.OpenAsync(Fast))
            await engine.CommitAsync(
                [.. Enumerable.Range(0, 1_100).Select(at => Samples.Tagged($"stream-{at % 3}", "body", "tag", $"{at}"))]);
        directory.Run(change);
        await using var again = await directory.OpenAsync();
        Assert.Contains((await again.VerifyAsync()).Damages, damage => damage.Problem.Contains(problem, StringComparison.Ordinal));
        if (!change.Contains("events_commits", StringComparison.Ordinal)) return;
        await Assert.ThrowsAsync<CorruptStorageException>(
            async () => await again.ReadAllAsync(new EventFilter { Criteria = EventCriteria.Tagged("tag") }));
    }

    private static PageLimit Limit => new(10_000, long.MaxValue);
}
