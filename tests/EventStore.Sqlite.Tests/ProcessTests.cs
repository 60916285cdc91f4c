using EventStore.Sqlite.Tests.Workers;
using EventStore.TestSupport;

namespace EventStore.Sqlite.Tests;

/// <summary>Several processes on one file: writers, readers, those that begin together, those that are killed.</summary>
public sealed class ProcessTests : IDisposable
{
    private const int Minutes = 60_000; // in milliseconds, for time limits
    private readonly TestDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact(Timeout = 10 * Minutes)]
    public async Task Sixteen_writers_in_four_processes_and_four_readers_see_every_commit_once_and_in_order()
    {
        await using (await directory.OpenAsync())
        {
            // Made before, so that all of them find it.
        }

        var readers = Enumerable.Range(0, 4).Select(i => Worker.Start(i % 2 == 0 ? "read" : "read-only", directory.Database)).ToArray();
        foreach (var reader in readers) await reader.UntilLinesAsync(1);
        var writers = Enumerable.Range(0, 4).Select(_ =>
            Worker.Start("write", directory.Database, 4, LongRun.IsAskedFor ? 30 : 4)).ToArray();
        var stored = new List<(long First, int Count)>();
        foreach (var writer in writers)
        {
            stored.AddRange((await writer.EndAsync()).Select(line => line.Split(' ')).Where(words => words[0] == "stored")
                .Select(words => (long.Parse(words[2]), int.Parse(words[3]))));
            await writer.DisposeAsync();
        }

        Assert.True(stored.Count > 40, $"only {stored.Count} commits were stored");
        var expected = stored.SelectMany(commit => Enumerable.Range(0, commit.Count).Select(i => commit.First + i)).Order().ToArray();
        foreach (var reader in readers)
        {
            await reader.WriteLineAsync("stop");
            var delivered = (await reader.EndAsync())[^1].Split(' ').Select(long.Parse).ToArray();
            Assert.Equal(expected, delivered);
            await reader.DisposeAsync();
        }

        await using var engine = await directory.OpenAsync();
        Assert.True((await engine.VerifyAsync()).IsSound);
    }

    [Fact(Timeout = 5 * Minutes)]
    public async Task Ten_processes_make_the_store_at_once()
    {
        var workers = Enumerable.Range(0, 10).Select(_ => Worker.Start("create", directory.Database)).ToArray();
        foreach (var worker in workers)
        {
            Assert.Equal(["Committed"], await worker.EndAsync());
            await worker.DisposeAsync();
        }

        await using var engine = await directory.OpenAsync();
        Assert.Equal(10, (await engine.ListHeadsAsync(new HeadQuery(null, 0, null, 100))).Count);
        Assert.True((await engine.VerifyAsync()).IsSound);
    }

    [Fact(Timeout = 15 * Minutes)]
    public async Task What_was_acknowledged_to_a_killed_writer_is_stored_once_and_the_rest_is_settled_by_its_id()
    {
        for (var round = 1; round <= (LongRun.IsAskedFor ? 50 : 4); round++)
        {
            string[] lines;
            await using (var worker = Worker.Start("write", directory.Database, 16, 600))
            {
                await worker.UntilLinesAsync(100 + Random.Shared.Next(400));
                await worker.KillAsync();
                lines = [.. worker.Lines];
            }

            var said = lines.Select(line => line.Split(' ')).Where(words => words.Length >= 2).ToLookup(words => words[0]);
            var stored = said["stored"].Where(words => words.Length == 4)
                .Select(words => (Id: Guid.Parse(words[1]), First: long.Parse(words[2]), Count: int.Parse(words[3]))).ToArray();
            var refused = said["refused"].Select(words => words[1]).ToHashSet();
            Assert.NotEmpty(stored);

            await using var engine = await directory.OpenAsync();
            Assert.True((await engine.VerifyAsync()).IsSound);
            var found = new Dictionary<Guid, CommitRecord>();
            foreach (var commit in (await ReadAsync(engine)).Where(recorded => recorded.IndexInCommit == 0)
                .Select(recorded => recorded.Commit)) found.Add(commit.CommitId, commit);
            foreach (var (id, first, count) in stored) Assert.Equal((first, count),
                (found[id].FirstCheckpoint.Value, found[id].EventCount));

            foreach (var words in said["sent"].Where(
                words => words.Length == 4 && !refused.Contains(words[2]) && !stored.Any(commit => commit.Id == Guid.Parse(words[2]))))
            {
                var again = new CommitAttempt(words[1], Guid.Parse(words[2]), [.. Enumerable.Range(0, int.Parse(words[3]))
                    .Select(_ => new EventRecord(SequentialGuid.Next(), "type", new byte[200]))]);
                var outcome = (await engine.CommitAsync([again]))[0];
                Assert.Equal(found.ContainsKey(again.CommitId) ? CommitOutcomeKind.Duplicate : CommitOutcomeKind.Committed, outcome.Kind);
            }
        }
    }

    [Fact(Timeout = 5 * Minutes)]
    public async Task A_commit_whose_end_fails_is_unknown_and_nothing_is_written_until_the_store_is_opened_again()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The limit on the length of files is set as Linux does it.");
        await using var worker = Worker.Start("fail-to-flush", directory.Database);
        var said = await worker.EndAsync();
        Assert.Equal(["BatchOutcomeUnknownException", "BatchOutcomeUnknownException"], said[..2]);
        Assert.StartsWith("StorageException: The database '", said[2], StringComparison.Ordinal);
        Assert.Contains("open it again", said[2], StringComparison.Ordinal);
        Assert.Equal("1", said[3]);

        await using var engine = await directory.OpenAsync();
        Assert.True((await engine.VerifyAsync()).IsSound);
        Assert.NotNull(await engine.FindHeadAsync("before"));
        Assert.Null(await engine.FindHeadAsync("other"));
    }

    private static async Task<List<RecordedEvent>> ReadAsync(SqlitePersistenceEngine engine)
    {
        var all = new List<RecordedEvent>();
        for (Checkpoint after = new Checkpoint(0); ;)
        {
            var page = await engine.ReadAllAsync(
                new StoreRead(EventFilter.Everything, after, Checkpoint.Max, ReadDirection.Forward, new PageLimit(1000, long.MaxValue)));
            all.AddRange(page.Events.Span);
            after = page.Position;
            if (page.IsEnd) return all;
        }
    }
}
