using Spectre.Console.Rendering;

namespace GitHistory;

/// <summary>How texts of others and numbers are put on a terminal.</summary>
internal static class Words
{
    /// <summary>A text as one line that does nothing else to the terminal and takes at most so many of its cells.</summary>
    /// <param name="text">A text that may come from another program.</param>
    /// <param name="cells">How much room there is.</param>
    /// <param name="keepEnd">Whether the end is kept and not the beginning: the end of a path says more.</param>
    public static string Fit(string text, int cells, bool keepEnd = false)
    {
        var line = string.Concat(text.Select(c => char.IsControl(c) ? '\uFFFD' : c));
        if (CellsOf(line) <= cells) return line;
        while (line.Length > 0 && CellsOf(line) > cells - 1)
        {
            if (keepEnd) line = line[(char.IsHighSurrogate(line[0]) ? 2 : 1)..];
            else line = line[..^(char.IsLowSurrogate(line[^1]) ? 2 : 1)];
        }

        return keepEnd ? "…" + line : line + "…";
    }

    /// <summary>All digits, in groups.</summary>
    public static string Full(long number) => number.ToString("N0");

    /// <summary>A number with what it counts.</summary>
    public static string Count(long number, string what) => $"{Full(number)} {what}{(number == 1 ? "" : "s")}";

    /// <summary>The longest that <see cref="Compact"/> makes of a number below a thousand million.</summary>
    public const int CompactWidth = 4;

    /// <summary>At most four characters or so: 999, 12k, 4.5M.</summary>
    public static string Compact(long number) => number switch
    {
        >= 10_000_000 => $"{number / 1_000_000}M",
        >= 1_000_000 => $"{number / 1_000_000.0:0.0}M",
        >= 10_000 => $"{number / 1_000}k",
        _ => number.ToString(),
    };

    public static string Duration(TimeSpan time) => time switch
    {
        { TotalMilliseconds: < 1 } => $"{time.TotalMicroseconds:0} µs",
        { TotalSeconds: < 1 } => $"{time.TotalMilliseconds:0.0} ms",
        { TotalMinutes: < 1 } => $"{time.TotalSeconds:0.0} s",
        _ => $"{(int)time.TotalMinutes} min {time.Seconds} s",
    };

    private static int CellsOf(string line) => Segment.CellCount([new Segment(line)]);
}
