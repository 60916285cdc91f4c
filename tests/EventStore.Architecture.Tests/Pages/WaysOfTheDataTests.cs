using EventStore.Architecture.Source;

namespace EventStore.Architecture.Pages;

/// <summary>Keeps the page that leads a reader through the code equal to the code.</summary>
public sealed class WaysOfTheDataTests
{
    private const string Page = "docs/architecture.md";

    private static readonly SourceFile Path = SourceFile.Parse(
        "src/House/Pipeline/Path.cs",
        "class Path<T>(int a) { int seen; int Count => 1; void Run<T>() { } class Inner { void Stop() { } } }");

    public static TheoryData<string> Sections => [.. WaysOfTheData.Sections];

    [Theory]
    [MemberData(nameof(Sections))]
    public void The_ways_of_the_data_exist(string section) => Gate.Holds(
        WaysOfTheData.Offenders(Repository.Read(Page), section, FindSource),
        $"{Page} leads through at most {WaysOfTheData.Files} files that exist, by members that they declare.",
        $"{nameof(The_ways_of_the_data_exist)}.{section.Replace(' ', '_')}");

    [Theory]
    [InlineData("1. `Path.Run` — Pipeline/Path.cs")]
    [InlineData("1. `Path<T>.Run()` — `Path.cs`: runs")]
    [InlineData("1. `Path.Count` — [Pipeline/Path.cs](../src/House/Pipeline/Path.cs)\n2. `Path.seen` — Path.cs")]
    [InlineData("1. `Path` — Path.cs\n\nThen:\n\n### Below\n1. `Inner.Stop` — Path.cs")]
    public void A_way_that_exists_holds(string list) =>
        Assert.Empty(Offenders($"# A\n## The way of a commit\n\n{list}\n## Next\n1. Nothing"));

    [Theory]
    [InlineData("# The way of an event\n1. `Path.Run` — Path.cs", "no section")]
    [InlineData("# The way of a commit\nAs one sees.\n# Next\n1. `Path.Run` — Path.cs", "no section")]
    [InlineData("# The way of a commit\n1. `Path.Walk` — Path.cs", "src/House/Pipeline/Path.cs declares no Path.Walk")]
    [InlineData("# The way of a commit\n1. `Inner.Run` — Path.cs", "src/House/Pipeline/Path.cs declares no Inner.Run")]
    [InlineData("# The way of a commit\n1. `Path.Run` — Gone.cs", "no file below src/ ends with Gone.cs")]
    [InlineData("# The way of a commit\n1. `Path.Run` runs", "does not read")]
    public void A_way_that_does_not_exist_is_seen(string page, string offender) =>
        Assert.Contains(offender, Assert.Single(Offenders(page)), StringComparison.Ordinal);

    [Theory]
    [InlineData(6, 0)]
    [InlineData(7, 1)]
    public void A_way_through_too_many_files_is_seen(int files, int count)
    {
        var steps = Enumerable.Range(1, files).Select(number => $"{number}. `Path.Run` — {number}/Path.cs");
        var page = $"# The way of a commit\n{string.Join('\n', steps)}\n1. `Path.Run` — 8/Path.cs";
        Assert.Equal(count, WaysOfTheData.Offenders(page, "way of a commit", _ => [Path]).Count());
    }

    private static IEnumerable<string> Offenders(string page) =>
        WaysOfTheData.Offenders(page, "way of a commit", end => Path.FilePath.EndsWith('/' + end, StringComparison.Ordinal) ? [Path] : []);

    private static IReadOnlyList<SourceFile> FindSource(string end) =>
        [.. Repository.Files("src", "*.cs").Where(path => $"/{path}".EndsWith('/' + end, StringComparison.Ordinal)).Select(SourceFile.At)];
}
