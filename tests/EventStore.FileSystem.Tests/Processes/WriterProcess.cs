using System.Diagnostics;

namespace EventStore.FileSystem.Tests.Processes;

/// <summary>A writer as a process of its own, and the lines it sends.</summary>
internal sealed class WriterProcess : IDisposable
{
    private readonly Process process;
    private readonly List<string> lines = [];

    /// <param name="order">What it is to do.</param>
    /// <param name="under">A program that starts it, with arguments; none for starting it by itself.</param>
    public WriterProcess(WriterOrder order, params string[] under)
    {
        string[] command = [.. under, Environment.ProcessPath!, .. SuiteArgument(), Writer.Verb, .. order.ToArguments()];
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
            RedirectStandardError = true,
        };

        // The process is short-lived: tiered compilation for long runs only delays it.
        start.Environment["DOTNET_TieredPGO"] = "0";
        start.Environment["DOTNET_gcConcurrent"] = "0";
        process = Process.Start(start)!;
        process.StandardInput.Close();
    }

    public int Id => process.Id;

    /// <summary>The lines read so far. A line is one short write to a pipe, which is whole or absent.</summary>
    public IReadOnlyList<string> Lines => lines;

    /// <summary>Waits until it has sent a line.</summary>
    public async Task ReadUntilAsync(string line)
    {
        while (await ReadLineAsync() is { } read)
        {
            if (read == line) return;
        }

        throw new InvalidOperationException($"The writer ended without '{line}': {await process.StandardError.ReadToEndAsync()}");
    }

    /// <summary>Ends it by SIGKILL, and reads what it had sent.</summary>
    public async Task KillAsync()
    {
        process.Kill();
        await ReadToEndAsync();
    }

    /// <summary>Waits until it ends by itself.</summary>
    public async Task<int> ReadToEndAsync()
    {
        while (await ReadLineAsync() is not null)
        {
        }

        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    public void Dispose()
    {
        if (!process.HasExited) process.Kill(entireProcessTree: true);
        process.Dispose();
    }

    private async Task<string?> ReadLineAsync()
    {
        var line = await process.StandardOutput.ReadLineAsync();
        if (line is not null) lines.Add(line);
        return line;
    }

    // Started as "dotnet suite.dll", the suite is an argument; as a program of its own it is not.
    public static string[] SuiteArgument() =>
        Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet" ? [typeof(WriterProcess).Assembly.Location] : [];
}
