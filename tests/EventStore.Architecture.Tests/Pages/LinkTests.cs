using EventStore.Architecture.Source;

namespace EventStore.Architecture.Pages;

/// <summary>Lets no page of the repository lead a reader nowhere.</summary>
public sealed class LinkTests
{
    [Fact]
    public void Every_link_leads_somewhere() => Gate.Holds(
        Repository.Files("", "*.md").SelectMany(path => Links.Dead(path, Repository.Read(path), ReadOrNull)),
        "These links lead to no file or heading.");

    [Theory]
    [InlineData("[a](b.md) [a](../a.md#one) [a](b.md#two-b) [a](b.md#three) [a](#four) [a](https://a.example) [a](folder)", 0)]
    [InlineData("[a](c.md)", 1)]
    [InlineData("[a](../b.md)", 1)]
    [InlineData("[a](b.md#one)", 1)]
    [InlineData("[a](#one)", 1)]
    [InlineData("```\n[a](c.md)\n```\n[a](b.md)", 0)]
    public void A_link_that_leads_nowhere_is_seen(string text, int dead)
    {
        var page = "# Four\n" + text;
        Assert.Equal(dead, Links.Dead("docs/a.md", page, path => path switch
        {
            "docs/a.md" => page,
            "a.md" => "# One\n",
            "docs/b.md" => "## Two `B`\n<a id=\"three\"></a>",
            "docs/folder" => "",
            _ => null,
        }).Count());
    }

    private static string? ReadOrNull(string path) => File.Exists(Repository.PathOf(path)) ? Repository.Read(path)
        : Directory.Exists(Repository.PathOf(path)) ? ""
        : null;
}
