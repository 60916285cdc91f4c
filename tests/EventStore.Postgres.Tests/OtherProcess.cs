using System.Diagnostics;
using System.Globalization;

namespace EventStore.Postgres.Tests;

/// <summary>What another process of a test does, and how a test starts one: this program again, with other arguments.</summary>
internal static class OtherProcess
{
    /// <summary>The first argument of another process.</summary>
    public const string Word = "other-process";

    /// <summary>Opens the store, making it where it is missing.</summary>
    public const string Opens = "opens";

    /// <summary>Commits with four writers for a while, and prints the first checkpoint and the number of events of each commit.</summary>
    public const string Writes = "writes";
    private const int Writers = 4;

    /// <summary>Starts another process; returns the lines it wrote once it ended well.</summary>
    public static async Task<string[]> StartAsync(string does, string address, PostgresOptions options, TimeSpan duration = default)
    {
        var start = new ProcessStartInfo("dotnet",
            [typeof(OtherProcess).Assembly.Location, Word, does, address, options.Schema, $"{duration.TotalMilliseconds}"])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await errors);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>What the other process does.</summary>
    public static async Task<int> RunAsync(string[] arguments)
    {
        var (does, address, schema) = (arguments[0], arguments[1], arguments[2]);
        await using var engine = new EngineCatalogue().AddPostgres(new PostgresOptions { Schema = schema })
            .Create($"postgres:{address}", EngineContext.Default);
        await engine.InitializeAsync();
        if (does == Writes) await WriteAsync(engine, TimeSpan.FromMilliseconds(double.Parse(arguments[3], CultureInfo.InvariantCulture)));
        return 0;
    }

    private static async Task WriteAsync(IPersistenceEngine engine, TimeSpan duration)
    {
        var started = Stopwatch.GetTimestamp();
        var printed = await Task.WhenAll(Enumerable.Range(0, Writers).Select(_ => Task.Run(async () =>
        {
            var lines = new List<string>();
            while (Stopwatch.GetElapsedTime(started) < duration)
            {
                var events = Enumerable.Range(0, Random.Shared.Next(1, 6))
                    .Select(_ => new EventRecord(SequentialGuid.Next(), "type", new byte[50]))
                    .ToArray();
                var expected = Random.Shared.Next(10) == 0 ? ExpectedRevision.NoStream : ExpectedRevision.Any;
                var outcome = (await engine.CommitAsync(
                    [new CommitAttempt($"stream-{Random.Shared.Next(20)}", SequentialGuid.Next(), events) { Expected = expected }]))[0];
                if (outcome.Kind == CommitOutcomeKind.Committed) lines.Add(
                    $"{outcome.Commit!.FirstCheckpoint} {outcome.Commit.EventCount}");
            }

            return lines;
        })));
        foreach (var line in printed.SelectMany(lines => lines)) Console.WriteLine(line);
    }
}
