using System.Diagnostics;
using System.Globalization;

namespace EventStore.Benchmarks;

/// <summary>
/// Something outside of the repository to measure against: a loop in C, a store of others. It is run by the shell, measures itself, and
/// prints its rate in units per second as the last line.
/// </summary>
internal sealed record OtherProgram(string Benchmark, string Name, string Command)
{
    /// <summary>Reads <c>benchmark:name=command</c>.</summary>
    public static OtherProgram Parse(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        var equals = text.IndexOf('=', Math.Max(0, colon));
        if (colon < 1 || equals < colon + 2 || equals == text.Length - 1)
            throw new ArgumentException(
                $"'{text}' is no reference. Write 'benchmark:name=command', such as 'durable-1:loop in C=./loop 30000'.", nameof(text));
        return new(text[..colon], text[(colon + 1)..equals], text[(equals + 1)..]);
    }

    public async Task<double> RunAsync()
    {
        var start = new ProcessStartInfo("/bin/sh", ["-c", Command]) { RedirectStandardOutput = true, UseShellExecute = false };
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        var last = output.TrimEnd().Split('\n')[^1];
        return process.ExitCode == 0 && double.TryParse(last, CultureInfo.InvariantCulture, out var rate) && rate > 0
            ? rate
            : throw new InvalidOperationException(
                $"'{Name}' ended with {process.ExitCode} and '{last}' as its last line, where its rate was expected.");
    }
}
