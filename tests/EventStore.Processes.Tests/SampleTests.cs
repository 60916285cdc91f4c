using System.Diagnostics;
using System.Text;

namespace EventStore.Processes.Tests;

/// <summary>The sample with live projections, run to its end over a repository made for it.</summary>
public sealed class SampleTests
{
    private const int Minutes = 60_000; // in milliseconds, for time limits

    [Fact(Timeout = 5 * Minutes)]
    public async Task The_states_of_live_projections_equal_the_fold_of_the_log()
    {
        var directory = Directory.CreateTempSubdirectory("eventstore-sample-").FullName;
        try
        {
            var repository = Path.Combine(directory, "repository");
            await RunAsync("git", "", "init", "--quiet", "--initial-branch=main", repository);
            await RunAsync("git", History(commits: 500), "-C", repository, "fast-import", "--quiet");
            var output = await RunAsync(
                "dotnet", "", "exec",
                Path.Combine(AppContext.BaseDirectory, "..", "..", "LiveProjections", "release", "LiveProjections.dll"),
                repository, "--store", $"sqlite:{Path.Combine(directory, "store.db")}", "--projections", directory, "--kills", "3");
            Assert.Contains("authors: 1,000 changes, 7 authors; its state equals the fold of the log.", output, StringComparison.Ordinal);
            Assert.Contains("months: 1,000 changes, 17 months; its state equals the fold of the log.", output, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    // Two of ten files in each commit, a commit a day, by one of seven authors.
    private static string History(int commits)
    {
        var history = new StringBuilder();
        for (var i = 0; i < commits; i++)
        {
            history.Append(
                $"commit refs/heads/main\ncommitter Author {i % 7} <author@example.org> {1_700_000_000 + (i * 86_400)} +0000\ndata 1\nx\n");
            for (var file = 0; file < 2; file++) history.Append($"M 644 inline file-{(i + file) % 10}\ndata <<END\n{i} {file}\nEND\n");
        }

        return history.ToString();
    }

    private static async Task<string> RunAsync(string program, string input, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await errors);
        return await output;
    }
}
