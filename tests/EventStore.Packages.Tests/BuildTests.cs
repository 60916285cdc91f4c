using System.Text.Json;

namespace EventStore.Packages.Tests;

/// <summary>
/// What the build makes of the settings: which references the compiler gets, how ids follow the prefix, where links lead.
/// </summary>
public sealed class BuildTests(PackedSolution packed)
{
    private const string Prefix = "Acme.Events";

    public static TheoryData<string> Backends => [.. PackedSolution.Backends];

    [Theory]
    [MemberData(nameof(Backends))]
    public async Task The_compiler_of_a_backend_does_not_see_core(string name)
    {
        var output = await Programs.DotnetAsync(
            Repository.PathOf($"src/{name}"), null, "msbuild", "-nologo", $"-p:Configuration={Repository.Configuration}",
            "-p:BuildProjectReferences=false", "-t:FindReferenceAssembliesForReferences",
            "-getItem:ReferencePath", "-getItem:ReferencePathWithRefAssemblies");
        using var answer = JsonDocument.Parse(output);
        Assert.Equal(["EventStore", "EventStore.Abstractions"], OursIn(answer, "ReferencePath"));
        Assert.Equal(["EventStore.Abstractions"], OursIn(answer, "ReferencePathWithRefAssemblies"));
    }

    [Fact]
    public async Task Ids_and_dependencies_follow_the_prefix_of_the_publisher()
    {
        var folder = packed.MakeFolder("prefix");
        await PackAsync("EventStore.Sqlite", folder, $"-p:PackageIdPrefix={Prefix}");
        using var package = new Package(Path.Combine(folder, $"{Prefix}.Sqlite.{packed.Version}.nupkg"));
        Assert.Equal($"{Prefix}.Sqlite", package.Id);
        Assert.Contains("lib/net10.0/EventStore.Sqlite.dll", package.Files);
        Assert.Equal(
            [Prefix, $"{Prefix}.Abstractions"],
            package.Dependencies.Select(dependency => dependency.Id).Where(id => id.Contains("Event", StringComparison.Ordinal)).Order());
        var core = await Programs.DotnetAsync(
            Repository.PathOf("src/EventStore"), null, "msbuild", "-nologo", "-getProperty:PackageId", $"-p:PackageIdPrefix={Prefix}");
        Assert.Equal(Prefix, core.Trim());
    }

    [Theory]
    [InlineData("https://forge.example/acme/events.git", "https://forge.example/acme/events/blob/")]
    [InlineData("https://forge.example/acme/events", "https://forge.example/acme/events/blob/")]
    [InlineData("file:///home/acme/events", "")]
    public async Task Links_lead_into_the_repository_where_its_address_is_known(string remote, string address)
    {
        var folder = packed.MakeFolder($"remote-{remote.Length}");
        await PackAsync("EventStore.Sqlite", folder, $"-p:PrivateRepositoryUrl={remote}", "-p:SourceRevisionId=0a1b2c");
        using var package = new Package(Path.Combine(folder, $"EventStore.Sqlite.{packed.Version}.nupkg"));
        var readme = package.Read("README.md");
        Assert.Equal(address.Length > 0, readme.Contains($"[EventStore]({address}0a1b2c/README.md)", StringComparison.Ordinal));
        var options = $"[`SqliteOptions`]({address}0a1b2c/docs/reference-options.md#sqliteoptions)";
        Assert.Equal(address.Length > 0, readme.Contains(options, StringComparison.Ordinal));
        Assert.Equal(address.Length > 0 ? remote : "", package.AttributeOf("repository", "url"));
        Assert.Contains("\n    .UsingSqlitePersistence(\"orders.db\")", readme, StringComparison.Ordinal);
    }

    // Packs what was built again, with other settings, beside a copy of it: restoring with them changes nothing for others.
    private static async Task PackAsync(string name, string folder, params string[] settings)
    {
        var artifacts = Path.Combine(folder, "artifacts") + Path.DirectorySeparatorChar;
        foreach (var project in (string[])[name, "EventStore", "EventStore.Abstractions"])
        {
            foreach (var built in (string[])[$"bin/{project}", $"obj/{project}"])
            {
                var output = $"{built}/{Repository.Configuration.ToLowerInvariant()}";
                Copy(Repository.PathOf($"artifacts/{output}"), Path.Combine(artifacts, output));
            }
        }

        var file = Repository.PathOf($"src/{name}/{name}.csproj");
        string[] common = [$"-p:ArtifactsPath={artifacts}", .. settings, "--tl:off", "-v:q"];
        await Programs.DotnetAsync(folder, null, ["restore", file, .. common]);
        await Programs.DotnetAsync(
            folder, null, ["pack", file, "-c", Repository.Configuration, "--no-build", "-o", folder, "-warnaserror", .. common]);
    }

    private static string[] OursIn(JsonDocument answer, string item) =>
        [.. answer.RootElement.GetProperty("Items").GetProperty(item).EnumerateArray()
            .Select(reference => reference.GetProperty("Filename").GetString()!)
            .Where(file => file.StartsWith("EventStore", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    private static void Copy(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}
