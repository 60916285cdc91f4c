using System.Collections.Concurrent;
using System.Diagnostics;

namespace EventStore.Sqlite.Tests.Workers;

/// <summary>Another process that plays a role, seen from the test. Killed, if it still runs, when disposed.</summary>
internal sealed class Worker : IAsyncDisposable
{
    private readonly Process process;
    private readonly ConcurrentQueue<string> lines = [];
    private readonly Task<string> errors;
    private readonly Task reading;

    private Worker(ProcessStartInfo start)
    {
        process = Process.Start(start)!;
        errors = process.StandardError.ReadToEndAsync();
        reading = ReadAsync();
    }

    /// <summary>What it said so far.</summary>
    public IReadOnlyCollection<string> Lines => lines;

    public static Worker Start(string role, string database, params object[] rest)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true
        };
        foreach (var argument in (string[])["exec", typeof(Worker).Assembly.Location, "worker", role, database,
            .. rest.Select(value => $"{value}")]) start.ArgumentList.Add(argument);
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0"; // its memory files would count as files that are too long
        start.Environment["DOTNET_TieredCompilation"] = "1";
        return new Worker(start);
    }

    /// <summary>Waits until it said so many lines.</summary>
    public async Task UntilLinesAsync(int count)
    {
        while (lines.Count < count && !process.HasExited) await Task.Delay(5, TestContext.Current.CancellationToken);
        if (lines.Count < count) await EndAsync();
    }

    public Task WriteLineAsync(string line) => process.StandardInput.WriteLineAsync(line);

    /// <summary>Ends it at once, wherever it is (SIGKILL).</summary>
    public async Task KillAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
        await reading;
    }

    /// <summary>Waits for its end, which must be a good one.</summary>
    public async Task<string[]> EndAsync()
    {
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        await reading;
        Assert.True(process.ExitCode == 0, $"a worker ended with {process.ExitCode}: {await errors}");
        return [.. lines];
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited) await KillAsync();
        process.Dispose();
    }

    private async Task ReadAsync()
    {
        while (await process.StandardOutput.ReadLineAsync() is { } line) lines.Enqueue(line);
    }
}
