using System.Diagnostics;
using System.Globalization;
using System.Text;
using EventStore.TestSupport;

namespace EventStore.Mongo.Tests;

/// <summary>
/// Four processes of four writers each on one store, which they make at the same time, and four readers: nothing comes late, nothing is
/// lost, nothing twice. A writing process is this very program, running one explicit test.
/// </summary>
public sealed class ProcessTests : MongoTest
{
    private const string TaskVariable = "EVENTSTORE_MONGO_WRITER";
    private const int Processes = 4, WritersPerProcess = 4, Readers = 4;
    private static readonly TimeSpan WritingTime =
        TimeSpan.FromSeconds(LongRun.IsAskedFor ? 30 : 5);

    [Fact(Timeout = 300_000), Conformance.Guarantee("G5", "G14", "G47", "G52", "G54")]
    public async Task What_writers_of_four_processes_store_comes_to_every_reader_once_and_in_order()
    {
        var folder = Directory.CreateTempSubdirectory("eventstore-mongo-writers-");
        try
        {
            var writers = Enumerable.Range(0, Processes).Select(i => StartWriterAsync(Path.Combine(folder.FullName, $"{i}"))).ToList();
            var reading = new List<Task<List<long>>>();
            for (var i = 0; i < Readers; i++)
            {
                var engine = await OpenAsync();
                reading.Add(Task.Run(() => FollowAsync(engine, () => writers.TrueForAll(writer => writer.IsCompleted))));
            }

            await Task.WhenAll(writers);
            var committed = Directory.GetFiles(folder.FullName).SelectMany(File.ReadLines)
                .Select(line => long.Parse(line, CultureInfo.InvariantCulture)).Order().ToList();
            Assert.NotEmpty(committed);
            foreach (var seen in await Task.WhenAll(reading)) Assert.Equal(committed, seen);
            await RequireSoundAsync(await OpenAsync());
            var report = await (await OpenAsync()).VerifyAsync();
            Assert.True(report.IsSound, string.Join("; ", report.Damages));
            TestContext.Current.TestOutputHelper?.WriteLine(
                $"{committed.Count} events of {Processes} processes, {WritingTime.TotalSeconds} s");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact(Explicit = true)]
    public async Task Writes_as_one_process_of_several()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable(TaskVariable) is { Length: > 0 }, "This is what the other test starts.");
        var (address, database, file) = Environment.GetEnvironmentVariable(TaskVariable)!.Split('|') is [var a, var d, var f] ? (a, d, f)
            : throw new InvalidOperationException(TaskVariable);
        await using var engine = new MongoPersistenceEngine(MongoPlace.Parse(address, new MongoOptions { Database = database }),
            EngineContext.Default);
        await engine.InitializeAsync();
        var lines = new StringBuilder();
        using var ending = new CancellationTokenSource(WritingTime);
        await Task.WhenAll(Enumerable.Range(0, WritersPerProcess).Select(writer => Task.Run(async () =>
        {
            var random = new Random();
            for (var i = 0; !ending.IsCancellationRequested; i++)
            {
                // Conflicts and repetitions between the good ones.
                var attempt = Attempt($"stream-{random.Next(8)}", random.Next(1, 6), random.Next(10) == 0 ? ExpectedRevision.NoStream
                    : ExpectedRevision.Any);
                if (i % 3 == 0)
                {
                    var beside = Attempt("beside", random.Next(1, 4)).Events;
                    attempt = new CommitAttempt(attempt.Stream, attempt.CommitId, attempt.Events)
                    {
                        Rest = [new CommitAttempt($"beside-{random.Next(8)}", attempt.CommitId, beside)],
                    };
                }

                if (i % 3 == 1) attempt = Booking(i);
                var outcome = await CommitAsync(engine, attempt);
                if (random.Next(20) == 0) Assert.NotEqual(CommitOutcomeKind.Committed, outcome.Kind == CommitOutcomeKind.Committed
                    ? (await CommitAsync(engine, attempt)).Kind : outcome.Kind);
                if (outcome.Kind != CommitOutcomeKind.Committed) continue;
                lock (lines)
                {
                    foreach (var commit in outcome.Rest.Prepend(outcome.Commit!))
                    {
                        for (var checkpoint = commit.FirstCheckpoint; checkpoint <= commit.LastCheckpoint; checkpoint += 1)
                            lines.Append(checkpoint).Append('\n');
                    }
                }
            }
        })));
        await File.WriteAllTextAsync(file, lines.ToString());
    }

    // All writers want the same seats, one after the other.
    private static CommitAttempt Booking(int seat)
    {
        var tag = $"seat:{seat}";
        return new CommitAttempt("bookings", Guid.NewGuid(), [new EventRecord(Guid.NewGuid(), "booked", default, default, [tag])])
        {
            Condition = new AppendCondition(EventCriteria.Tagged(tag)),
        };
    }

    // No seat twice, and every unit whole.
    private static async Task RequireSoundAsync(IPersistenceEngine engine)
    {
        var all = await ReadAllAsync(engine);
        var booked = all.SelectMany(recorded => recorded.Record.Tags).ToList();
        Assert.NotEmpty(booked);
        Assert.Equal(booked.Distinct(), booked);
        var units = all.Where(recorded => recorded.Commit.Unit.Size > 1).GroupBy(recorded => recorded.Commit.Unit).ToList();
        Assert.NotEmpty(units);
        foreach (var unit in units)
        {
            Assert.Equal(2, unit.Select(recorded => recorded.Commit.Stream).Distinct().Count());
            Assert.Equal(unit.Key.FirstCheckpoint, unit.First().Checkpoint);
            Assert.Equal(unit.Count(), unit.Last().Checkpoint.Value - unit.First().Checkpoint.Value + 1);
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{booked.Count} seats, {units.Count} units");
    }

    private async Task StartWriterAsync(string file)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true
        };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet") start.ArgumentList.Add(
            typeof(ProcessTests).Assembly.Location);
        foreach (var argument in (string[])["--explicit", "only", "--filter-method",
            $"{typeof(ProcessTests).FullName}.{nameof(Writes_as_one_process_of_several)}", "--zero-tests-policy", "strict", "--no-ansi",
            "--progress", "off"]) start.ArgumentList.Add(argument);
        start.Environment[TaskVariable] = $"{await Backend.GetAddressAsync()}|{Backend.Database}|{file}";
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"a writing process ended with {process.ExitCode}: {output}{await errors}");
    }

    // A commit is never seen in part where the visible store ends, and no checkpoint comes after a higher one.
    private static async Task<List<long>> FollowAsync(IPersistenceEngine engine, Func<bool> isOver)
    {
        var seen = new List<long>();
        Checkpoint after = new Checkpoint(0);
        while (true)
        {
            var isLast = isOver();
            var page = await engine.ReadAllAsync(new StoreRead(EventFilter.Everything, after, Checkpoint.Max, ReadDirection.Forward,
                new PageLimit(Random.Shared.Next(1, 500), 64 << 20)));
            foreach (var recorded in page.Events.ToArray())
            {
                Assert.True(recorded.Checkpoint > after, $"checkpoint {recorded.Checkpoint} came after {after}");
                seen.Add((after = recorded.Checkpoint).Value);
            }

            after = page.Position;
            if (!page.IsEnd) continue;
            if (isLast) return seen;
            await engine.WaitForCommitsAsync(after, TimeSpan.FromMilliseconds(100));
        }
    }
}
