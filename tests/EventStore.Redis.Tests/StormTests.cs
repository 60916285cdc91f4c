using System.Diagnostics;
using System.Globalization;
using EventStore.TestServers;
using EventStore.TestSupport;

namespace EventStore.Redis.Tests;

/// <summary>
/// Sixteen writers in four processes store the same commits at once, while four readers follow: each commit is there once, and none comes
/// late.
/// </summary>
public sealed class StormTests
{
    private const int Processes = 4;
    private const int Readers = 4;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 300_000)]
    public async Task Of_the_same_commits_stored_by_many_processes_each_is_there_once_and_no_reader_misses_one()
    {
        var seconds = LongRun.IsAskedFor ? 30 : 4;
        var server = (await SharedServer.Redis.GetAsync()).Address;
        await using var store = new TestStore();
        await using var engine = await store.OpenReadyAsync(server);
        using var ending = new CancellationTokenSource();
        var readers = Enumerable.Range(0, Readers).Select(_ => Task.Run(() => FollowAsync(store, server, ending.Token), Token)).ToArray();
        var writers = Enumerable.Range(0, Processes)
            .Select(process => RunWritersAsync($"{server}|{store.Options.Name}|{process}|{seconds}")).ToArray();
        foreach (var said in await Task.WhenAll(writers)) Assert.Equal("", said);
        await ending.CancelAsync();

        var delivered = await Task.WhenAll(readers);
        var commits = delivered[0].Where(recorded => recorded.IndexInCommit == 0).ToList();
        Assert.True(commits.Count > Processes, $"only {commits.Count} commits were stored");
        Assert.Equal(commits.Count, commits.Select(recorded => (recorded.Commit.Stream, recorded.Commit.CommitId)).Distinct().Count());
        Assert.Equal(Enumerable.Range(1, delivered[0].Count).Select(i => (long)i),
            delivered[0].Select(recorded => recorded.Checkpoint.Value));
        Assert.All(delivered, seen =>
            Assert.Equal(delivered[0].Select(recorded => recorded.Record.EventId), seen.Select(recorded => recorded.Record.EventId)));
        var report = await engine.VerifyAsync(cancellationToken: Token);
        Assert.True(report.IsSound, string.Join("; ", report.Damages));
        Assert.Equal((commits.Count, delivered[0].Count), (report.CommitsChecked, report.EventsChecked));
    }

    // Ends when the writers did and nothing more comes.
    private static async Task<List<RecordedEvent>> FollowAsync(TestStore store, string server, CancellationToken ending)
    {
        await using var engine = await new TestStore(store.Options).OpenReadyAsync(server);
        var seen = new List<RecordedEvent>();
        while (true)
        {
            var isLast = ending.IsCancellationRequested;
            var after = seen.Count == 0 ? Checkpoint.Origin : seen[^1].Checkpoint;
            var page = await engine.ReadAllAsync(new StoreRead(EventFilter.Everything, after, Checkpoint.Max, ReadDirection.Forward,
                new PageLimit(Random.Shared.Next(1, 2000), 1 << 20)), Token);
            seen.AddRange(page.Events.Span);
            if (!page.IsEnd) continue;
            if (isLast) return seen;
            await engine.WaitForCommitsAsync(page.Position, TimeSpan.FromMilliseconds(20), Token);
        }
    }

    // This program again, for the one fact below; returns what it printed where that did not pass.
    private static async Task<string> RunWritersAsync(string storm)
    {
        string[] arguments =
        [
            typeof(StormTests).Assembly.Location, "--explicit", "only", "--filter-class", typeof(StormWriters).FullName!,
            "--zero-tests-policy", "strict", "--no-ansi", "--progress", "off",
        ];
        var start = new ProcessStartInfo("dotnet", arguments) { UseShellExecute = false, RedirectStandardOutput = true };
        start.Environment[StormWriters.Variable] = storm;
        using var process = Process.Start(start)!;
        var said = await process.StandardOutput.ReadToEndAsync(Token);
        await process.WaitForExitAsync(Token);
        return process.ExitCode == 0 ? "" : said;
    }
}

/// <summary>One of the processes of the storm: four writers. Run by <see cref="StormTests"/> only.</summary>
public sealed class StormWriters
{
    public const string Variable = "EVENTSTORE_STORM";
    private const int Writers = 4;
    private const int Streams = 6;

    [Fact(Explicit = true)]
    public async Task Every_commit_is_stored_by_one_writer_and_a_duplicate_for_the_rest()
    {
        if (Environment.GetEnvironmentVariable(Variable)?.Split('|') is not [var server, var name, var process, var seconds])
        {
            Assert.Skip($"{Variable} is not set: this is a part of another test.");
            return;
        }

        await using var engine = await new TestStore(new RedisOptions { Name = name }).OpenReadyAsync(server);
        using var ending = new CancellationTokenSource(TimeSpan.FromSeconds(int.Parse(seconds, CultureInfo.InvariantCulture)));
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            var random = new Random((int.Parse(process, CultureInfo.InvariantCulture) * Writers) + writer);
            for (var number = 1; !ending.IsCancellationRequested; number++)
            {
                // All writers pass the same commits in about the same order; each is sent twice by every writer, alone or with its
                // successor.
                CommitAttempt[] batch = random.Next(2) == 0 ? [Attempt(number)] : [Attempt(number), Attempt(number + 1)];
                var first = await engine.CommitAsync(batch, TestContext.Current.CancellationToken);
                var second = await engine.CommitAsync(batch, TestContext.Current.CancellationToken);
                for (var i = 0; i < batch.Length; i++)
                {
                    Assert.NotEqual(CommitOutcomeKind.Conflict, first[i].Kind);
                    Assert.Equal(CommitOutcomeKind.Duplicate, second[i].Kind);
                    Assert.Equal((first[i].Commit!.FirstCheckpoint, first[i].Commit!.FirstRevision),
                        (second[i].Commit!.FirstCheckpoint, second[i].Commit!.FirstRevision));
                }
            }
        })));
    }

    private static CommitAttempt Attempt(int number) => new(
        $"stream-{number % Streams}", new Guid(number, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
        [.. Enumerable.Range(1, (number % 3) + 1)
            .Select(i => new EventRecord(new Guid(number, (short)i, 2, 3, 4, 5, 6, 7, 8, 9, 10), "type", new byte[number % 50]))]);
}
