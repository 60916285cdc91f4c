using EventStore.Architecture.Source;

namespace EventStore.Architecture.Pages;

/// <summary>Lets the README show only code that is compiled, and only as it is compiled.</summary>
public sealed class ReadmeTests
{
    private const string Page = "README.md";

    [Fact]
    public void Every_block_of_the_readme_is_a_compiled_sample() => Gate.Holds(
        Differences(ReadmeSamples.OnPage(Page, Repository.Read(Page)), CompiledSamples()),
        $"Code in {Page} is what a project below samples/ compiles between '// readme: name' and '// readme: end'.");

    [Fact]
    public void Every_marked_sample_is_shown()
    {
        var shown = ReadmeSamples.OnPage(Page, Repository.Read(Page)).Select(sample => sample.Name).ToHashSet();
        Gate.Holds(CompiledSamples().Where(sample => !shown.Contains(sample.Name)).Select(sample => $"{sample.Place}: {sample.Name}"),
            $"These samples are marked for {Page}, which does not show them.");
    }

    [Theory]
    [InlineData("<!-- sample: a -->\n```csharp\nvar x = 1;\nif (y)\n    z();\n```", true)]
    [InlineData("<!-- sample: a -->\n```csharp\nvar x = 2;\nif (y)\n    z();\n```", false)]
    [InlineData("<!-- sample: a -->\n```csharp\nvar x = 1;\nif (y)\nz();\n```", false)]
    [InlineData("<!-- sample: b -->\n```csharp\nvar x = 1;\n```", false)]
    [InlineData("```csharp\nvar x = 1;\n```", false)]
    [InlineData("```sh\ndotnet run\n```", true)]
    public void A_block_is_compared_line_by_line_without_its_indentation(string page, bool isHeld)
    {
        var compiled = ReadmeSamples.InSource("A.cs",
            "void M()\n{\n    // readme: a\n    var x = 1;\n    if (y)\n        z();\n    // readme: end\n}\n");
        Assert.Equal(isHeld, !Differences(ReadmeSamples.OnPage("README.md", page), compiled).Any());
    }

    private static IReadOnlyList<Sample> CompiledSamples() =>
        [.. Repository.AllProjects.Where(project => project.FilePath.StartsWith("samples/", StringComparison.Ordinal))
            .SelectMany(project => project.Sources)
            .SelectMany(source => ReadmeSamples.InSource(source.FilePath, source.Text))];

    private static IEnumerable<string> Differences(IReadOnlyList<Sample> shown, IReadOnlyList<Sample> compiled) =>
        from block in shown
        let found = compiled.Where(sample => sample.Name == block.Name).ToList()
        where block.Name.Length == 0 || found.Count != 1 || found[0].Code != block.Code
        select (block.Name, found) switch
        {
            ("", _) => $"{block.Place}: the line before it is not <!-- sample: name -->",
            (_, []) => $"{block.Place}: no sample is named '{block.Name}'",
            (_, [var sample]) => $"{block.Place} is not {sample.Place}\n--- {Page}\n{block.Code}\n--- {sample.Place}\n{sample.Code}",
            _ => $"{block.Place}: several samples are named '{block.Name}'",
        };
}
