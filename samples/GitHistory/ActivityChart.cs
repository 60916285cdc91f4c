using System.Text;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace GitHistory;

/// <summary>Draws how much happened when, as columns: by day, week, month, quarter or year, whichever fits the width.</summary>
internal static class ActivityChart
{
    private const int Height = 8;
    private const string Eighths = " ▁▂▃▄▅▆▇█";

    private static readonly Unit[] Units =
    [
        new("day", day => day, day => day.AddDays(1)),
        new("week", day => day.AddDays(-(((int)day.DayOfWeek + 6) % 7)), day => day.AddDays(7)),
        new("month", day => new(day.Year, day.Month, 1), day => day.AddMonths(1)),
        new("quarter", day => new(day.Year, ((day.Month - 1) / 3 * 3) + 1, 1), day => day.AddMonths(3)),
        new("year", day => new(day.Year, 1, 1), day => day.AddYears(1)),
    ];

    /// <summary>Draws the counts of days in a width of characters. Returns the unit of a column too.</summary>
    public static (string Unit, IRenderable Chart) Draw(IReadOnlyDictionary<DateOnly, long> days, int width)
    {
        var (first, last) = (days.Keys.Min(), days.Keys.Max());
        var axis = Words.CompactWidth + 2;
        var unit = Units.FirstOrDefault(unit => unit.Starts(first, last).Take(width).Count() <= width - axis) ?? Units[^1];
        List<DateOnly> starts = [.. unit.Starts(first, last).TakeLast(width - axis)];

        var sums = days.GroupBy(day => unit.StartOf(day.Key)).ToDictionary(group => group.Key, group => group.Sum(day => day.Value));
        long[] columns = [.. starts.Select(start => sums.GetValueOrDefault(start))];
        var thickness = Math.Clamp((width - axis) / columns.Length, 1, 5);
        var peak = columns.Max();

        var lines = new List<IRenderable>();
        for (var row = Height; row > 0; row--)
        {
            var label = row == Height ? Words.Compact(peak) : row == 1 ? "0" : "";
            lines.Add(new Markup($"[grey]{label.PadLeft(axis - 2)} │[/][green]{Row(columns, peak, row, thickness)}[/]"));
        }

        lines.Add(new Markup($"[grey]{"".PadLeft(axis - 2)} └{new string('─', columns.Length * thickness)}[/]"));
        lines.Add(new Markup($"[grey]{"".PadLeft(axis)}{Labels(starts, thickness)}[/]"));
        return (unit.Name, new Rows(lines));
    }

    // A column that holds anything shows at least an eighth.
    private static string Row(long[] columns, long peak, int row, int thickness)
    {
        var line = new StringBuilder();
        foreach (var column in columns)
        {
            var eighths = column == 0 ? 0 : Math.Max(1, (int)Math.Round(column * Height * 8.0 / peak));
            var part = Eighths[Math.Clamp(eighths - ((row - 1) * 8), 0, 8)];
            line.Append(part, Math.Max(1, thickness - 1));
            if (thickness > 1) line.Append(' ');
        }

        return line.ToString();
    }

    private static string Labels(List<DateOnly> starts, int thickness)
    {
        var line = new StringBuilder();
        var next = 0;
        for (var i = 0; i < starts.Count; i++)
        {
            var label = starts[i].ToString("yyyy-MM-dd");
            var at = i * thickness;
            if (at < next || (i > 0 && at + label.Length > starts.Count * thickness)) continue;
            line.Append(' ', at - line.Length).Append(label);
            next = at + Math.Max(label.Length + 3, starts.Count * thickness / 4);
        }

        return line.ToString();
    }

    private sealed record Unit(string Name, Func<DateOnly, DateOnly> StartOf, Func<DateOnly, DateOnly> Next)
    {
        public IEnumerable<DateOnly> Starts(DateOnly first, DateOnly last)
        {
            for (var start = StartOf(first); start <= last; start = Next(start)) yield return start;
        }
    }
}
