using System.Text.RegularExpressions;

namespace EventStore.Packages.Tests;

/// <summary>Links of a package lead somewhere: out of it by an address, or to a file that is in it.</summary>
public sealed partial class LinkTests(PackedSolution packed)
{
    public static TheoryData<string> Names => [.. PackedSolution.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void No_page_of_a_package_has_a_link_that_leads_nowhere(string name)
    {
        using var package = packed.Open(name);
        var pages = package.Files.Where(file => file.EndsWith(".md", StringComparison.Ordinal));
        Assert.Empty(pages.SelectMany(page => DeadLinksOf(page, package.Read(page), package.Files)));
    }

    [Fact]
    public void Every_exception_links_to_its_row_of_the_page_in_the_package()
    {
        using var package = packed.Open("EventStore.Abstractions");
        var anchors = Anchor().Matches(package.Read("docs/troubleshooting.md")).Select(match => match.Groups["id"].Value).ToHashSet();
        var exceptions = typeof(EventStoreException).Assembly.GetExportedTypes()
            .Where(type => type.IsSubclassOf(typeof(Exception)) && !type.IsAbstract).ToList();
        Assert.Contains(typeof(InvalidNameException), exceptions);
        Assert.All(exceptions, type => Assert.Contains(TroubleshootingPage.LinkTo(type).Split('#')[1], anchors));
    }

    [Theory]
    [InlineData("[a](https://a.example/b) [c](#d) [e](docs/f.md#g)", 0)]
    [InlineData("[a](../../docs/b.md)", 1)]
    [InlineData("[a](docs/missing.md)", 1)]
    [InlineData("[`a/`](a)", 1)]
    public void A_link_that_leads_nowhere_is_seen(string text, int dead) =>
        Assert.Equal(dead, DeadLinksOf("README.md", text, ["docs/f.md"]).Count());

    private static IEnumerable<string> DeadLinksOf(string page, string text, IReadOnlyList<string> files) =>
        from match in Link().Matches(text)
        let target = match.Groups["target"].Value.Split('#')[0]
        where target.Length > 0 && !Uri.IsWellFormedUriString(target, UriKind.Absolute)
        let file = Path.GetRelativePath("/", Path.GetFullPath(target, Path.GetDirectoryName("/" + page)!)).Replace('\\', '/')
        where !files.Contains(file)
        select $"{page}: {target}";

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("""<a id="(?<id>[^"]+)"></a>""")]
    private static partial Regex Anchor();
}
