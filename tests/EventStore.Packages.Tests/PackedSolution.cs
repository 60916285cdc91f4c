using System.Text.RegularExpressions;
using EventStore.TestServers;

[assembly: AssemblyFixture(typeof(EventStore.Packages.Tests.PackedSolution))]

namespace EventStore.Packages.Tests;

/// <summary>
/// The solution packed once into a fresh folder, with an empty package cache beside it. Everything goes after the last test.
/// </summary>
public sealed partial class PackedSolution : IAsyncLifetime
{
    /// <summary>Every package, by the name of its project.</summary>
    public static readonly string[] Names =
        [.. Directory.EnumerateFiles(Repository.PathOf("src"), "*.csproj", SearchOption.AllDirectories)
            .Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)];

    /// <summary>Those of them that are backends. The architecture suite knows which must be; their projects say so.</summary>
    public static readonly string[] Backends =
        [.. Names.Where(name => File.ReadAllText(Repository.PathOf($"src/{name}/{name}.csproj"))
            .Contains("PackageOnly=\"true\"", StringComparison.Ordinal))];

    private readonly string root = Directory.CreateTempSubdirectory("eventstore-packages-").FullName;

    /// <summary>The one version of all packages.</summary>
    public string Version { get; private set; } = "";

    internal string PackageFolder => Path.Combine(root, "packages");

    internal string Cache => Path.Combine(root, "cache");

    public async ValueTask InitializeAsync()
    {
        // Its output is what this run was built of. A warning is an error, as no process reads it here. Another suite packs, too.
        using var packing = await FileLock.TakeAsync(Repository.PathOf("artifacts/packing.lock"), TestContext.Current.CancellationToken);
        await Programs.DotnetAsync(
            Repository.Root, null, "pack", "EventStore.slnx", "-c", Repository.Configuration, "--no-build", "-o", PackageFolder,
            "-warnaserror", "--tl:off", "-v:q");
        using var core = Open("EventStore.Abstractions");
        Version = core.Version;
        await File.WriteAllTextAsync(Path.Combine(root, "nuget.config"), await ConfigurationAsync());
    }

    /// <summary>A fresh folder, whose applications get our packages from the packed folder, and only from there.</summary>
    internal string MakeFolder(string name) => Directory.CreateDirectory(Path.Combine(root, name)).FullName;

    internal Package Open(string name, string extension = "nupkg")
    {
        var form = $@"^{Regex.Escape(name)}\.\d.*\.{extension}$";
        return new(Directory.EnumerateFiles(PackageFolder).Single(file => Regex.IsMatch(Path.GetFileName(file), form)));
    }

    public async ValueTask DisposeAsync()
    {
        await SharedServer.Postgres.DisposeAsync();
        await SharedServer.Redis.DisposeAsync();
        await SharedServer.Mongo.DisposeAsync();
        Directory.Delete(root, recursive: true);
    }

    // The sources of the machine stay as they are. Mapped are all of them, or none may deliver the packages of others.
    private async Task<string> ConfigurationAsync()
    {
        var listed = await Programs.DotnetAsync(root, null, "nuget", "list", "source");
        var inherited = EnabledSource().Matches(listed)
            .Select(match => $"""<packageSource key="{match.Groups["key"].Value}"><package pattern="*" /></packageSource>""");
        return $"""
            <configuration>
              <packageSources><add key="packed here" value="{PackageFolder}" /></packageSources>
              <packageSourceMapping>
                <packageSource key="packed here"><package pattern="EventStore" /><package pattern="EventStore.*" /></packageSource>
                {string.Join('\n', inherited)}
              </packageSourceMapping>
            </configuration>
            """;
    }

    [GeneratedRegex(@"^\s*\d+\.\s+(?<key>.+?)\s+\[Enabled\]\s*$", RegexOptions.Multiline)]
    private static partial Regex EnabledSource();
}
