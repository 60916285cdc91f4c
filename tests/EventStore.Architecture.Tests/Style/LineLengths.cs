namespace EventStore.Architecture.Style;

/// <summary>Measures lines in characters as they are shown. Rows of a table on a page may be longer: they cannot be broken.</summary>
internal static class LineLengths
{
    /// <summary>The most columns a line may have.</summary>
    public const int Columns = 140;

    /// <summary>The files that are measured, by the patterns of their names.</summary>
    public static readonly IReadOnlyList<string> Patterns = ["*.cs", "*.md", "*.sql", "*.lua", "*.csproj", "*.props", "*.sh"];

    /// <summary>The lines of a file that are too long.</summary>
    public static IEnumerable<string> TooLong(string path, string text)
    {
        var isPage = path.EndsWith(".md", StringComparison.Ordinal);
        var number = 0;
        foreach (var line in text.ReplaceLineEndings("\n").Split('\n'))
        {
            number++;
            // A line has no more characters than code units, so most need no counting.
            if (line.Length <= Columns || (isPage && line.TrimStart().StartsWith('|')))
                continue;
            var columns = line.EnumerateRunes().Count();
            if (columns > Columns)
                yield return $"{path}:{number}: {columns} columns";
        }
    }
}
