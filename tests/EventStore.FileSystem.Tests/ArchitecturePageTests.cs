using System.Reflection;
using System.Text.RegularExpressions;
using EventStore.FileSystem.Engine;

namespace EventStore.FileSystem.Tests;

/// <summary>Holds the part of docs/architecture.md on the file engine to the code.</summary>
public sealed partial class ArchitecturePageTests
{
    private const int MostSteps = 6;
    private const BindingFlags Members =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly string Sources = Path.Combine(RepositoryRoot.Path, "src", "EventStore.FileSystem");

    // From the front door down. Rooms of one floor do not use each other.
    private static readonly string[][] Floors =
    [
        ["Engine"], ["Maintenance", "Sharing"], ["Reading", "Recovery"], ["Store"], ["Index"], ["Log"], ["Segments"], ["Bytes"], ["Disk"],
    ];

    [Theory]
    [InlineData("The way of a commit")]
    [InlineData("The way of an event")]
    public void Each_step_of_a_way_names_a_member_that_exists(string way)
    {
        var steps = StepsOf(way);
        Assert.InRange(steps.Count, 1, MostSteps);
        foreach (var (file, member) in steps)
        {
            Assert.True(File.Exists(Path.Combine(Sources, file)), $"{file} does not exist");
            var name = $"EventStore.FileSystem.{file.Replace('/', '.')[..^".cs".Length]}";
            var type = typeof(FileSystemPersistenceEngine).Assembly.GetType(name);
            Assert.True(type is not null && type.GetMember(member, Members).Length > 0, $"{name} has no member {member}");
        }
    }

    [Fact]
    public void Each_room_uses_only_rooms_below_it()
    {
        var strays =
            from file in Directory.EnumerateFiles(Sources, "*.cs", SearchOption.AllDirectories)
            let room = Path.GetRelativePath(Sources, file).Split(Path.DirectorySeparatorChar)[0]
            where FloorOf(room) >= 0
            from use in UsedRoom().Matches(File.ReadAllText(file))
            where FloorOf(use.Groups["room"].Value) <= FloorOf(room)
            select $"{Path.GetRelativePath(Sources, file)} uses {use.Groups["room"].Value}";
        Assert.Empty(strays);
    }

    [Fact]
    public void The_engine_knows_no_byte()
    {
        string[] below = ["Index", "Log", "Segments", "Bytes", "Disk"];
        var strays =
            from file in Directory.EnumerateFiles(Path.Combine(Sources, "Engine"), "*.cs")
            from use in UsedRoom().Matches(File.ReadAllText(file))
            where below.Contains(use.Groups["room"].Value)
            select $"{Path.GetFileName(file)} uses {use.Groups["room"].Value}";
        Assert.Empty(strays);
    }

    [Fact]
    public void The_page_shows_every_room()
    {
        var rooms = Directory.EnumerateDirectories(Sources).Select(folder => Path.GetFileName(folder)).Except(["bin", "obj"]);
        Assert.Equal(Floors.SelectMany(floor => floor).Order(StringComparer.Ordinal), rooms.Order(StringComparer.Ordinal));
        Assert.All(Floors.SelectMany(floor => floor), room => Assert.Matches($@"(?m)^  .*\b{room}\b", PartOnTheFileEngine()));
    }

    private static int FloorOf(string room) => Array.FindIndex(Floors, floor => floor.Contains(room));

    private static List<(string File, string Member)> StepsOf(string way)
    {
        var page = PartOnTheFileEngine();
        var start = page.IndexOf($"**{way}", StringComparison.Ordinal);
        Assert.True(start >= 0, $"the page has no part '{way}'");
        var end = page.IndexOf("\n**", start, StringComparison.Ordinal);
        return [
            .. Step()
                .Matches(end < 0 ? page[start..] : page[start..end])
                .Select(step => (step.Groups["file"].Value, step.Groups["member"].Value))];
    }

    private static string PartOnTheFileEngine()
    {
        var page = File.ReadAllText(Path.Combine(RepositoryRoot.Path, "docs", "architecture.md"));
        return page[page.IndexOf("## The file engine", StringComparison.Ordinal)..];
    }

    [GeneratedRegex(@"^\d+\. `(?<file>[\w/]+\.cs)` `(?<member>\w+)`", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex Step();

    [GeneratedRegex(@"^using EventStore\.FileSystem\.(?<room>\w+);", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex UsedRoom();
}
