using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace EventStore.TestServers;

/// <summary>
/// The program of a suite, run again as another process, and the lines it says. It may be killed, halted and let go on; it is killed, if it
/// still runs, when disposed.
/// </summary>
public sealed class SuiteProcess : IAsyncDisposable
{
    private const int Halt = 19; // SIGSTOP and SIGCONT as Linux numbers them
    private const int GoOn = 18;
    private readonly Process process;
    private readonly ConcurrentQueue<string> lines = [];
    private readonly Task<string> errors;
    private readonly Task reading;

    private SuiteProcess(ProcessStartInfo start)
    {
        process = Process.Start(start)!;
        errors = process.StandardError.ReadToEndAsync();
        reading = ReadAsync();
    }

    /// <summary>What it said so far, line by line.</summary>
    public IReadOnlyCollection<string> Lines => lines;

    public bool HasExited => process.HasExited;

    /// <summary>Starts a suite's program with arguments that its entry point knows.</summary>
    public static SuiteProcess Start(System.Reflection.Assembly suite, params IEnumerable<string> arguments)
    {
        ArgumentNullException.ThrowIfNull(suite);
        var start = new ProcessStartInfo("dotnet", ["exec", suite.Location, .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            // It lives for a moment: what makes long lives fast only delays it.
            Environment = { ["DOTNET_TieredPGO"] = "0", ["DOTNET_gcConcurrent"] = "0", ["DOTNET_EnableWriteXorExecute"] = "0" },
        };
        return new SuiteProcess(start);
    }

    /// <summary>Waits until it has said so many lines that begin with a word.</summary>
    public async Task UntilSaidAsync(string word, int times = 1)
    {
        while (Count(word) < times)
        {
            if (process.HasExited) throw new InvalidOperationException($"The process ended without having said '{word}': {await errors}");
            await Task.Delay(5);
        }
    }

    /// <summary>How many lines it said that begin with a word.</summary>
    public int Count(string word) => lines.Count(line => line.StartsWith(word, StringComparison.Ordinal));

    /// <summary>Ends it at once, wherever it is (SIGKILL).</summary>
    public async Task KillAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
        await reading;
    }

    /// <summary>Waits until it ends by itself, which it must do well.</summary>
    public async Task EndAsync()
    {
        await process.WaitForExitAsync();
        await reading;
        if (process.ExitCode != 0) throw new InvalidOperationException($"The process ended with {process.ExitCode}: {await errors}");
    }

    /// <summary>Halts it wherever it is; it goes on, unaware of the time between, by <see cref="Continue"/>.</summary>
    [SupportedOSPlatform("linux")]
    public void Suspend() => Signal(Halt);

    [SupportedOSPlatform("linux")]
    public void Continue() => Signal(GoOn);

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited) await KillAsync();
        process.Dispose();
    }

    private async Task ReadAsync()
    {
        while (await process.StandardOutput.ReadLineAsync() is { } line) lines.Enqueue(line);
    }

    private void Signal(int number)
    {
        if (kill(process.Id, number) != 0) throw new InvalidOperationException($"The process {process.Id} took no signal {number}.");
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int kill(int process, int signal);
}
