using System.Text.RegularExpressions;
using EventStore.Architecture.Source;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EventStore.Architecture.Pages;

/// <summary>
/// The ways of the data on <c>docs/architecture.md</c>. A section whose heading names the way holds numbered lists, one for each engine or
/// part; a line such as <c>1. `CommitPath.RunAsync` — Pipeline/CommitPath.cs</c> names a member and the end of the path of the file that
/// declares it.
/// </summary>
internal static partial class WaysOfTheData
{
    /// <summary>The most files that a way may lead through.</summary>
    public const int Files = 6;

    /// <summary>What the headings of the two sections contain.</summary>
    public static readonly IReadOnlyList<string> Sections = ["way of a commit", "way of an event"];

    /// <summary>What of a section does not hold; <paramref name="find"/> gives the sources whose path ends with a text.</summary>
    public static IEnumerable<string> Offenders(string page, string section, Func<string, IReadOnlyList<SourceFile>> find)
    {
        var lists = ListsIn(SectionOf(page, section)).ToList();
        if (lists.Count == 0)
            return [$"no section '{section}' with a numbered list"];
        return lists.SelectMany(list => TooLong(list).Concat(list.SelectMany(line => Unfounded(line, find))))
            .Select(offender => $"{section}: {offender}");
    }

    private static IEnumerable<string> SectionOf(string page, string section) => page.ReplaceLineEndings("\n").Split('\n')
        .SkipWhile(line => !IsHeading(line) || !line.Contains(section, StringComparison.OrdinalIgnoreCase))
        .Skip(1)
        .TakeWhile(line => !IsHeading(line) || line.StartsWith("###", StringComparison.Ordinal));

    // A list begins with its first number, so two lists need no text between them.
    private static IEnumerable<List<string>> ListsIn(IEnumerable<string> lines)
    {
        var list = new List<string>();
        foreach (var line in lines.Where(line => Numbered().IsMatch(line)))
        {
            if (line.TrimStart().StartsWith("1.", StringComparison.Ordinal) && list.Count > 0)
            {
                yield return list;
                list = [];
            }

            list.Add(line.Trim());
        }

        if (list.Count > 0)
            yield return list;
    }

    private static IEnumerable<string> TooLong(List<string> list)
    {
        var files = list.Select(line => Step().Match(line).Groups["file"].Value).Distinct().Count();
        return files > Files ? [$"the list that begins with '{list[0]}' leads through {files} files"] : [];
    }

    private static IEnumerable<string> Unfounded(string line, Func<string, IReadOnlyList<SourceFile>> find)
    {
        var step = Step().Match(line);
        if (!step.Success)
            return [$"'{line}' does not read '1. `Type.Member` — Room/File.cs'"];
        var (member, file) = (TypeArguments().Replace(step.Groups["member"].Value, ""), step.Groups["file"].Value);
        return find(file) switch
        {
            [] => [$"'{line}': no file below src/ ends with {file}"],
            [var source] => Declares(source, member) ? [] : [$"'{line}': {source.FilePath} declares no {member}"],
            var several => [$"'{line}': several files end with {file}: {string.Join(", ", several.Select(source => source.FilePath))}"],
        };
    }

    private static bool Declares(SourceFile source, string member)
    {
        var names = member.Split('.');
        return source.Root.DescendantNodes().OfType<TypeDeclarationSyntax>()
            .Where(type => names.Length == 1 || type.Identifier.Text == names[^2])
            .Any(type => names[^1] == type.Identifier.Text || type.Members.SelectMany(NamesOf).Contains(names[^1]));
    }

    private static IEnumerable<string> NamesOf(MemberDeclarationSyntax member) => member switch
    {
        MethodDeclarationSyntax method => [method.Identifier.Text],
        PropertyDeclarationSyntax property => [property.Identifier.Text],
        BaseFieldDeclarationSyntax field => field.Declaration.Variables.Select(variable => variable.Identifier.Text),
        ExtensionBlockDeclarationSyntax block => block.Members.SelectMany(NamesOf),
        _ => [],
    };

    private static bool IsHeading(string line) => line.StartsWith('#');

    [GeneratedRegex(@"^\s*\d+\. ")]
    private static partial Regex Numbered();

    // Type arguments and parentheses are left out of the name; the file may be in code marks or the text of a link.
    [GeneratedRegex(@"^\d+\. `(?<member>[\w.<>, ]+)(\([^`]*\))?` — [`\[]*(?<file>[\w./-]+\.cs)\b")]
    private static partial Regex Step();

    [GeneratedRegex("<[^>]*>")]
    private static partial Regex TypeArguments();
}
