using System.Diagnostics;

namespace EventStore.FileSystem.Tests.Processes;

/// <summary>What a process lacks keeps a store from nothing else.</summary>
public sealed class StarvedTests
{
    [Theory, InlineData("Durable"), InlineData("Fast")]
    public async Task Commits_need_no_thread_of_the_pool_that_waits_for_them(string durability)
    {
        using var directory = new TestDirectory();
        await RunAsync([], Starved.OfThreads, directory.Path, durability);
    }

    [Fact]
    public async Task Without_file_handles_commits_fail_with_the_reason_and_go_on_once_there_are_some()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/prlimit"), "prlimit, which limits the handles of a process, is part of util-linux.");
        using var directory = new TestDirectory();
        await RunAsync(["prlimit", "--nofile=400"], Starved.OfHandles, directory.Path);
    }

    private static async Task RunAsync(string[] under, params string[] task)
    {
        string[] command = [.. under, Environment.ProcessPath!, .. WriterProcess.SuiteArgument(), .. task];
        using var process = Process.Start(new ProcessStartInfo(command[0], command.Skip(1))
        {
            UseShellExecute = false,
            RedirectStandardError = true,
        })!;
        try
        {
            var output = await process.StandardError.ReadToEndAsync().WaitAsync(TimeSpan.FromMinutes(1));
            await process.WaitForExitAsync();
            Assert.True(process.ExitCode == 0, output);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }
}
