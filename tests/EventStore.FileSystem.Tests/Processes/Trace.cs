using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace EventStore.FileSystem.Tests.Processes;

/// <summary>A call to the operating system as strace saw it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Path">The file it was for.</param>
/// <param name="Hex">What it wrote, as hexadecimal digits; empty for other calls.</param>
/// <param name="Begin">When it began, in lines of the trace.</param>
/// <param name="End">When it returned; the end of time if it never did.</param>
/// <param name="Result">What it returned; negative for failure.</param>
internal sealed record TracedCall(string Name, string Path, string Hex, int Begin, int End, long Result);

/// <summary>Reads the output of <c>strace -f -y -xx</c>.</summary>
internal static partial class Trace
{
    public const string Program = "strace";

    /// <summary>Why tracing is impossible here; null where it is possible.</summary>
    public static string? WhyNot { get; } = Works() ? null
        : "strace, which shows the system calls of a process and makes them fail, is not installed or not permitted here. "
            + "On Debian: apt-get install strace";

    public static IReadOnlyList<TracedCall> Read(string path)
    {
        var calls = new List<TracedCall>();
        var unfinished = new Dictionary<string, int>();
        var number = 0;
        foreach (var line in File.ReadLines(path))
        {
            number++;
            if (Whole().Match(line) is { Success: true } whole)
            {
                if (!whole.Groups["result"].Success) unfinished[whole.Groups["thread"].Value] = calls.Count;
                calls.Add(CallOf(whole, number));
            }
            else if (Resumed().Match(line) is { Success: true } resumed && unfinished.Remove(resumed.Groups["thread"].Value, out var at))
            {
                calls[at] = calls[at] with { End = number, Result = ResultOf(resumed) };
            }
        }

        return calls;
    }

    private static bool Works()
    {
        try
        {
            string[] arguments = ["-f", "--seccomp-bpf", "-e", "trace=fsync", "-o", "/dev/null", "true"];
            var start = new ProcessStartInfo(Program, arguments) { UseShellExecute = false, RedirectStandardError = true };
            using var tried = Process.Start(start)!;
            tried.WaitForExit();
            return tried.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }

    private static TracedCall CallOf(Match match, int number)
    {
        var isDone = match.Groups["result"].Success;
        return new TracedCall(
            match.Groups["name"].Value, Encoding.UTF8.GetString(
                Convert.FromHexString(HexOf(match.Groups["path"]))), HexOf(match.Groups["data"]),
            number, isDone ? number : int.MaxValue, isDone ? ResultOf(match) : -1);
    }

    private static string HexOf(Group group) => group.Value.Replace("\\x", "", StringComparison.Ordinal);

    private static long ResultOf(Match match) => long.Parse(match.Groups["result"].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(
        @"^(?<thread>\d+) +(?<name>\w+)\((?<descriptor>\d+)<(?<path>[^>]*)>(, (\[\{iov_base=)?""(?<data>[^""]*)"")?"
        + @".*?(\) += (?<result>-?\d+).*|<unfinished \.\.\.>)$",
        RegexOptions.ExplicitCapture)]
    private static partial Regex Whole();

    [GeneratedRegex(@"^(?<thread>\d+) +<\.\.\. \w+ resumed>.*\) += (?<result>-?\d+)", RegexOptions.ExplicitCapture)]
    private static partial Regex Resumed();
}
