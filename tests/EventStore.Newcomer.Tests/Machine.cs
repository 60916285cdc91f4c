using System.Diagnostics;
using EventStore.TestServers;

[assembly: AssemblyFixture(typeof(EventStore.Newcomer.Machine))]

namespace EventStore.Newcomer;

/// <summary>
/// The machine of a newcomer: a home, a package cache and folders of its own. Its shell carries out commands of pages as they stand, with
/// two exceptions. What a page packs or runs inside the repository is not built again, and folders below <c>/tmp</c> are its own.
/// </summary>
public sealed class Machine : IDisposable
{
    private const string Packing = "artifacts/packing.lock";

    // A build that runs these tests speaks to its own processes by variables of this beginning.
    private const string OfTheBuild = "MSBUILD";

    private const string Prelude = """
        dotnet() {
          case "$PWD:$1" in
            "$REPOSITORY:pack") command dotnet "$@" --no-build --tl:off -v:q ;;
            "$REPOSITORY:run") command dotnet run -c Release --no-build "${@:2}" ;;
            *) command dotnet "$@" ;;
          esac
        }
        """;

    private readonly string root = Directory.CreateTempSubdirectory("eventstore-newcomer-").FullName;

    public Machine()
    {
        var settings = Path.Combine(".nuget", "NuGet", "NuGet.Config");
        var source = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), settings);
        if (!File.Exists(source)) return;
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(Home, settings))!);
        File.Copy(source, Path.Combine(Home, settings));
    }

    private string Home => Path.Combine(root, "home");

    /// <summary>A new, empty folder.</summary>
    internal string MakeFolder(string name) => Directory.CreateDirectory(Path.Combine(root, name)).FullName;

    /// <summary>
    /// Carries out the commands of a block in one shell and returns what they printed. Fails with that if one of them fails.
    /// </summary>
    internal async Task<string> RunAsync(string folder, Block block)
    {
        var commands = block.Commands().Where(command => Exemptions.ReasonOf(command) is null)
            .Select(command => $"{{\n{command.Replace("/tmp/", root + "/", StringComparison.Ordinal)}\n}} || exit 1\n").ToList();
        return commands.Count == 0 ? "" : await RunAsync(folder, string.Concat(commands), $"{block.Page}:{block.Line}");
    }

    /// <summary>Carries out commands and returns what they printed.</summary>
    internal async Task<string> RunAsync(string folder, string commands, string place)
    {
        using var packing = commands.Contains("dotnet pack ", StringComparison.Ordinal)
            ? await FileLock.TakeAsync(Repository.PathOf(Packing), TestContext.Current.CancellationToken)
            : null;
        using var shell = Process.Start(Start(folder, commands))!;
        var errors = shell.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var printed = await shell.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await shell.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(shell.ExitCode == 0, $"{place}: a command ended with {shell.ExitCode}.\n{commands}\n{printed}{await errors}");
        return printed;
    }

    public void Dispose() => Directory.Delete(root, recursive: true);

    private ProcessStartInfo Start(string folder, string commands)
    {
        var start = new ProcessStartInfo("bash", ["-c", $"{Prelude}\n{commands}"])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        var inherited = start.Environment.Keys.Where(name => name.StartsWith(OfTheBuild, StringComparison.OrdinalIgnoreCase)).ToList();
        inherited.ForEach(name => start.Environment.Remove(name));
        foreach (var (name, value) in Settings()) start.Environment[name] = value;
        return start;
    }

    // The SDK leaves no server of its own behind, which would hold the output open.
    private IEnumerable<(string Name, string Value)> Settings() =>
    [
        ("REPOSITORY", Repository.Root), ("HOME", Home), ("DOTNET_CLI_HOME", Home), ("NUGET_PACKAGES", Path.Combine(root, "cache")),
        ("DOTNET_NOLOGO", "1"), ("DOTNET_CLI_TELEMETRY_OPTOUT", "1"), ("DOTNET_GENERATE_ASPNET_CERTIFICATE", "false"),
        ("MSBUILDDISABLENODEREUSE", "1"), ("UseSharedCompilation", "false"), ("DOTNET_CLI_USE_MSBUILD_SERVER", "0"),
    ];
}
