using System.Diagnostics;

namespace EventStore.Benchmarks;

/// <summary>
/// Starts this program again, for what must be measured in a process of its own: with the garbage collector that a program has by default.
/// </summary>
internal static class ChildProgram
{
    public static Process Start(params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, [.. Host(), .. arguments])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        start.Environment["DOTNET_gcServer"] = "0";
        return Process.Start(start)!;
    }

    /// <summary>The most memory that this process took so far, in KiB.</summary>
    public static string Peak() =>
        File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2];

    private static string[] Host() =>
        Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet"
            ? [Path.Combine(AppContext.BaseDirectory, "EventStore.Benchmarks.dll")]
            : [];
}
