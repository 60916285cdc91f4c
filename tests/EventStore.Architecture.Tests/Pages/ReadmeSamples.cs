using System.Text.RegularExpressions;

namespace EventStore.Architecture.Pages;

/// <summary>A piece of C#, named, with where it stands and its lines without common indentation.</summary>
internal sealed record Sample(string Name, string Place, string Code);

/// <summary>
/// Reads the code that a page shows and the code that is compiled: a block <c>```csharp</c> below <c>&lt;!-- sample: name --&gt;</c> on the
/// page, and the lines between <c>// readme: name</c> and <c>// readme: end</c> in a sample's source.
/// </summary>
internal static partial class ReadmeSamples
{
    /// <summary>The C# blocks of a page; the name is empty where the marker is missing.</summary>
    public static IReadOnlyList<Sample> OnPage(string path, string text) => [.. Between(
        text.ReplaceLineEndings("\n").Split('\n'),
        path,
        begins: (lines, i) => lines[i].StartsWith("```csharp", StringComparison.Ordinal)
            ? PageMarker().Match(i > 0 ? lines[i - 1] : "").Groups["name"].Value
            : null,
        ends: line => line.StartsWith("```", StringComparison.Ordinal))];

    /// <summary>The marked lines of a source file.</summary>
    public static IReadOnlyList<Sample> InSource(string path, string text) => [.. Between(
        text.ReplaceLineEndings("\n").Split('\n'),
        path,
        begins: (lines, i) => SourceMarker().Match(lines[i]) is { Success: true } match ? match.Groups["name"].Value : null,
        ends: line => line.Trim() == "// readme: end")];

    private static IEnumerable<Sample> Between(string[] lines, string path, Func<string[], int, string?> begins, Func<string, bool> ends)
    {
        for (var i = 0; i < lines.Length; i++)
        {
            if (begins(lines, i) is not { } name)
                continue;
            var code = lines.Skip(i + 1).TakeWhile(line => !ends(line)).ToList();
            yield return new Sample(name, $"{path}:{i + 1}", Unindent(code));
            i += code.Count + 1;
        }
    }

    private static string Unindent(List<string> lines)
    {
        var indents = lines.Where(line => line.Trim().Length > 0).Select(line => line.Length - line.TrimStart().Length);
        var indent = indents.DefaultIfEmpty(0).Min();
        return string.Join('\n', lines.Select(line => line.Length > indent ? line[indent..].TrimEnd() : "")).Trim('\n');
    }

    [GeneratedRegex(@"^\s*<!-- sample: (?<name>\S+) -->\s*$")]
    private static partial Regex PageMarker();

    [GeneratedRegex(@"^\s*// readme: (?!end\s*$)(?<name>\S+)\s*$")]
    private static partial Regex SourceMarker();
}
