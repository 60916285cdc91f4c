using System.Buffers.Binary;

namespace EventStore.Packages.Tests;

/// <summary>What each package holds and says of itself.</summary>
public sealed class ContentTests(PackedSolution packed)
{
    public static TheoryData<string> Names => [.. PackedSolution.Names];

    public static TheoryData<string> Backends => [.. PackedSolution.Backends];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_package_holds_its_assembly_with_documentation_readme_and_icon_and_nothing_else(string name)
    {
        using var package = packed.Open(name);
        string[] expected = ["README.md", "icon.png", $"lib/net10.0/{name}.dll", $"lib/net10.0/{name}.xml"];
        Assert.Equal(
            name == "EventStore.Abstractions" ? ["README.md", "docs/troubleshooting.md", .. expected[1..]] : expected, package.Files);
        Assert.Equal("icon.png", package["icon"]);
        Assert.Equal("README.md", package["readme"]);
        Assert.StartsWith($"# {name}\n", package.Read("README.md"), StringComparison.Ordinal);
        Assert.Contains("<member name=\"T:EventStore.", package.Read($"lib/net10.0/{name}.xml"), StringComparison.Ordinal);
        Assert.Equal((128, 128), SizeOf(package.ReadBytes("icon.png")));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_package_says_licence_version_what_it_is_and_by_what_it_is_found(string name)
    {
        using var package = packed.Open(name);
        Assert.Equal(name, package.Id);
        Assert.Equal(packed.Version, package.Version);
        Assert.Equal("expression", package.AttributeOf("license", "type"));
        Assert.Equal("MIT", package["license"]);
        Assert.Contains("event-sourcing", package["tags"].Split(' '));
        Assert.InRange(package["description"].Length, 40, 300);
        Assert.NotEqual("Package Description", package["description"]);
        Assert.Equal("git", package.AttributeOf("repository", "type"));
    }

    [Fact]
    public void Descriptions_differ()
    {
        var descriptions = PackedSolution.Names.Select(name =>
        {
            using var package = packed.Open(name);
            return package["description"];
        });
        Assert.Equal(PackedSolution.Names.Length, descriptions.Distinct().Count());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Symbols_are_portable_and_a_package_of_their_own(string name)
    {
        using var symbols = packed.Open(name, "snupkg");
        Assert.Equal([$"lib/net10.0/{name}.pdb"], symbols.Files);
        Assert.Equal("BSJB"u8, symbols.ReadBytes($"lib/net10.0/{name}.pdb").AsSpan(0, 4));
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public void A_backend_brings_core_along_with_all_that_a_package_gives(string name)
    {
        using var package = packed.Open(name);
        foreach (var id in (string[])["EventStore", "EventStore.Abstractions"])
        {
            // Build and Analyzers are what every packed reference leaves out; compile and runtime must come through.
            var dependency = Assert.Single(package.Dependencies, dependency => dependency.Id == id);
            Assert.Equal((id, packed.Version, "", "Build,Analyzers"), dependency);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_dependency_on_our_packages_has_the_same_version(string name)
    {
        using var package = packed.Open(name);
        var ours = package.Dependencies.Where(dependency => dependency.Id.StartsWith("EventStore", StringComparison.Ordinal));
        Assert.All(ours, dependency => Assert.Equal(packed.Version, dependency.Version));
    }

    [Fact]
    public void Nothing_but_the_projects_of_src_is_packed() =>
        Assert.Equal(2 * PackedSolution.Names.Length, Directory.EnumerateFiles(packed.PackageFolder).Count());

    // Width and height stand behind the eight bytes of the signature and the eight of the first chunk's head.
    private static (int Width, int Height) SizeOf(byte[] png) =>
        (BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(16)), BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(20)));
}
