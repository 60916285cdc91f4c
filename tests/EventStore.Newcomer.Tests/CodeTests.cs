namespace EventStore.Newcomer;

/// <summary>The C# code of pages compiles against what is built here.</summary>
public sealed class CodeTests
{
    // Code of the sample, shown as it is compiled there.
    private const string Sample = "samples/OwnBackend";

    private static readonly string[] PagesOfTheSample = ["docs/writing-a-backend.md", "src/EventStore.Conformance/README.md"];

    public static TheoryData<string> Pages => [.. Block.CodePages.Except(PagesOfTheSample)];

    public static TheoryData<string> SamplePages => [.. PagesOfTheSample];

    [Theory]
    [MemberData(nameof(Pages))]
    public void The_code_of_a_page_compiles(string page) => Assert.Empty(Compiler.Errors(Block.On(page, "csharp")));

    [Theory]
    [MemberData(nameof(SamplePages))]
    public void The_code_of_a_page_is_that_of_the_sample(string page)
    {
        var compiled = Directory.EnumerateFiles(Repository.PathOf(Sample), "*.cs").SelectMany(File.ReadAllLines)
            .Select(line => line.Trim()).ToHashSet();
        var blocks = Block.On(page, "csharp");
        Assert.NotEmpty(blocks);
        Assert.All(blocks.SelectMany(block => block.Text.Split('\n')).Select(line => line.Trim()),
            line => Assert.True(line.StartsWith("//", StringComparison.Ordinal) || compiled.Contains(line), $"{page} has: {line}"));
    }

    [Fact]
    public void Every_block_names_a_language_that_is_looked_at()
    {
        string[] known = ["csharp", "sh", "xml", "sql", ""];
        Assert.All(Block.CodePages.SelectMany(page => Block.Parse(page, Repository.Read(page))),
            block => Assert.Contains(block.Language, known));
    }

    [Theory]
    [InlineData("await store.AppendAsync(order, new ItemAdded(\"tea\", 1));", "")]
    [InlineData("var a = 1;\nawait store.AppendedAsync(order);", "a.md:8: CS1061")]
    [InlineData("record A(int B);\n\nrecord C(Missing D);", "a.md:9: CS0246")]
    [InlineData("using EventStore;\nvar store = 1", "a.md:8: CS1002")]
    public void Code_that_does_not_compile_is_seen_at_its_line(string code, string error)
    {
        var errors = Compiler.Errors([new Block("a.md", 7, "csharp", code)]);
        Assert.Equal(error.Length == 0, errors.Count == 0);
        Assert.All(errors.Take(1), first => Assert.StartsWith(error, first, StringComparison.Ordinal));
    }
}
