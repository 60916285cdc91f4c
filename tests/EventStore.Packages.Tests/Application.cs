using System.Diagnostics;
using System.Text.RegularExpressions;

namespace EventStore.Packages.Tests;

/// <summary>A new application in a folder of its own that knows the packages and nothing of the repository.</summary>
internal sealed partial class Application(PackedSolution packed, string name)
{
    /// <summary>The folder of the application.</summary>
    public string Folder { get; } = packed.MakeFolder(name);

    /// <summary>Writes the project. Our packages get the packed version; others name theirs, as in <c>xunit.v3/4.0.2</c>.</summary>
    public Application WithProject(string sdk, IEnumerable<string> packages, string properties = "", string items = "")
    {
        var references = packages.Select(package => package.Split('/'))
            .Select(package => (Id: package[0], Version: package.Length > 1 ? package[1] : packed.Version))
            .Select(package => $"""<PackageReference Include="{package.Id}" Version="{package.Version}" />""");
        File.WriteAllText(Path.Combine(Folder, $"{name}.csproj"), $"""
            <Project Sdk="{sdk}">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                <InvariantGlobalization>true</InvariantGlobalization>
                {properties}
              </PropertyGroup>
              <ItemGroup>
                {string.Join('\n', references)}
                {items}
              </ItemGroup>
            </Project>
            """);
        return this;
    }

    public Application WithSource(string file, string text)
    {
        File.WriteAllText(Path.Combine(Folder, file), text);
        return this;
    }

    /// <summary>Takes the sources of a folder of the repository.</summary>
    public Application WithSourcesOf(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(Repository.PathOf(folder), "*.cs"))
            File.Copy(file, Path.Combine(Folder, Path.GetFileName(file)));
        return this;
    }

    /// <summary>Restores into the package cache of the run and builds.</summary>
    public Task BuildAsync() => Programs.DotnetAsync(Folder, packed.Cache, "build", "-c", "Release", "-o", "built", "--tl:off");

    /// <summary>Runs what was built and returns what it printed.</summary>
    public Task<string> RunAsync(params IEnumerable<string> arguments) =>
        Programs.RunAsync(Folder, "dotnet", ["exec", Built, .. arguments]);

    /// <summary>How what was built is started.</summary>
    public ProcessStartInfo Start(params IEnumerable<string> arguments) =>
        Programs.Start(Folder, null, "dotnet", ["exec", Built, .. arguments]);

    /// <summary>Publishes for this machine. Fails where a warning comes out of our own assemblies.</summary>
    public async Task PublishAsync()
    {
        var output = await Programs.DotnetAsync(
            Folder, packed.Cache, "publish", "-c", "Release", "--use-current-runtime", "-o", "published", "--tl:off");
        Assert.Empty(FindOwnWarnings(output));
    }

    /// <summary>The lines of a publish that warn of something in our own assemblies.</summary>
    public static IEnumerable<string> FindOwnWarnings(string output) => OwnWarning().Matches(output).Select(match => match.Value.Trim());

    /// <summary>Runs what was published and returns what it printed.</summary>
    public Task<string> RunPublishedAsync(params IEnumerable<string> arguments) =>
        Programs.RunAsync(Folder, Path.Combine(Folder, "published", name), arguments);

    /// <summary>What is handed to others: the files published, without debug symbols.</summary>
    public double PublishedMegabytes => Directory.EnumerateFiles(Path.Combine(Folder, "published"))
        .Where(file => Path.GetExtension(file) is not (".dbg" or ".pdb")).Sum(file => new FileInfo(file).Length) / 1e6;

    private string Built => Path.Combine("built", name + ".dll");

    // A warning names the member that it was found in behind its number; ours begin with the name of the product.
    [GeneratedRegex(@"^.*warning IL\d+: (?<member>EventStore\.|Assembly 'EventStore).*$", RegexOptions.Multiline)]
    private static partial Regex OwnWarning();
}
