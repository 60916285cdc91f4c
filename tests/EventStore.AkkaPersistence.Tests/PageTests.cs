namespace AkkaPersistence.Tests;

/// <summary>The page of the sample shows its code as it is compiled, and its configuration as it works.</summary>
public sealed class PageTests
{
    private const string Fence = "```";

    private static string Sample { get; } = FindSample();

    [Fact]
    public void The_code_of_the_page_is_that_of_the_sample()
    {
        var compiled = Directory.EnumerateFiles(Sample, "*.cs").SelectMany(File.ReadAllLines).Select(line => line.Trim()).ToHashSet();
        Assert.All(Blocks("csharp").SelectMany(block => block), line => Assert.Contains(line.Trim(), compiled));
    }

    [Fact]
    public async Task The_configuration_of_the_page_is_a_complete_one()
    {
        var hocon = string.Join('\n', Assert.Single(Blocks("hocon"))).Replace("file:./data", "memory:", StringComparison.Ordinal);
        await using var system = TestSystem.At("nowhere:", hocon);
        var actor = system.Start("a");
        Assert.Equal(1, await actor.PersistAsync("1"));
        await actor.SnapshotAsync();
    }

    private static List<string[]> Blocks(string language)
    {
        var lines = File.ReadAllLines(Path.Combine(Sample, "README.md"));
        return
        [
            .. lines.Index().Where(line => line.Item == Fence + language)
                .Select(line => lines.Skip(line.Index + 1).TakeWhile(inner => inner != Fence).ToArray()),
        ];
    }

    private static string FindSample()
    {
        var place = new DirectoryInfo(AppContext.BaseDirectory);
        while (place is not null && !File.Exists(Path.Combine(place.FullName, "EventStore.slnx"))) place = place.Parent;
        return Path.Combine(place?.FullName ?? throw new InvalidOperationException("Run these tests from inside the repository."),
            "samples", "AkkaPersistence");
    }
}
