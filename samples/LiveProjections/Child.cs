using System.Diagnostics;

namespace LiveProjections;

/// <summary>Another process of this program, in another role, and its output.</summary>
internal sealed class Child : IDisposable
{
    private readonly Process process;
    private readonly Task<string> errors;

    public Child(params IEnumerable<string> arguments)
    {
        string[] host = Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [typeof(Child).Assembly.Location] : [];
        process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [.. host, .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        errors = process.StandardError.ReadToEndAsync();
        Reading = ReadAsync();
    }

    /// <summary>How far it is.</summary>
    public long Position { get; private set; }

    /// <summary>The state it ended with; null before.</summary>
    public string? State { get; private set; }

    /// <summary>Completes with the end of its output.</summary>
    public Task Reading { get; }

    /// <summary>Ends it at once, wherever it is.</summary>
    public async Task KillAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
        await Reading;
    }

    /// <summary>Closes its input and waits for its end.</summary>
    /// <exception cref="InvalidOperationException">It ended badly.</exception>
    public async Task EndAsync(CancellationToken cancellationToken)
    {
        process.StandardInput.Close();
        await process.WaitForExitAsync(cancellationToken);
        await Reading;
        if (process.ExitCode != 0) throw new InvalidOperationException((await errors).Trim());
    }

    public void Dispose()
    {
        if (!process.HasExited) process.Kill();
        process.Dispose();
    }

    private async Task ReadAsync()
    {
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("at ", StringComparison.Ordinal)) Position = long.Parse(line[3..]);
            else if (line.StartsWith("state ", StringComparison.Ordinal)) State = line[6..];
        }
    }
}
