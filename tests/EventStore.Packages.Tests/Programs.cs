using System.Diagnostics;

namespace EventStore.Packages.Tests;

/// <summary>Runs programs to their end. The SDK leaves no server of its own behind, which would hold the output open.</summary>
internal static class Programs
{
    // A build that runs these tests speaks to its own processes by variables of this beginning.
    private const string OfTheBuild = "MSBUILD";

    private static readonly (string Name, string Value)[] Settings =
    [
        ("MSBUILDDISABLENODEREUSE", "1"), ("UseSharedCompilation", "false"), ("DOTNET_CLI_USE_MSBUILD_SERVER", "0"),
        ("DOTNET_NOLOGO", "1"), ("DOTNET_CLI_TELEMETRY_OPTOUT", "1"),
    ];

    /// <summary>Runs the SDK and returns what it printed. Fails with that output when the SDK fails.</summary>
    public static Task<string> DotnetAsync(string folder, string? packageCache, params IEnumerable<string> arguments) =>
        RunAsync(Start(folder, packageCache, "dotnet", arguments));

    /// <summary>Runs a program and returns what it printed. Fails with that output when the program fails.</summary>
    public static Task<string> RunAsync(string folder, string program, params IEnumerable<string> arguments) =>
        RunAsync(Start(folder, null, program, arguments));

    /// <summary>How a program is started, with its output redirected.</summary>
    public static ProcessStartInfo Start(string folder, string? packageCache, string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        var inherited = start.Environment.Keys.Where(name => name.StartsWith(OfTheBuild, StringComparison.OrdinalIgnoreCase)).ToList();
        inherited.ForEach(name => start.Environment.Remove(name));
        foreach (var (name, value) in Settings) start.Environment[name] = value;
        if (packageCache is not null) start.Environment["NUGET_PACKAGES"] = packageCache;
        return start;
    }

    private static async Task<string> RunAsync(ProcessStartInfo start)
    {
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync() + await errors;
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0,
            $"{start.FileName} {string.Join(' ', start.ArgumentList)} ended with {process.ExitCode}:\n{output}");
        return output;
    }
}
