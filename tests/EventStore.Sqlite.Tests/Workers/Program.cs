namespace EventStore.Sqlite.Tests.Workers;

/// <summary>Runs the tests or, where a test asks for it, plays another process that uses the same database.</summary>
internal static class Program
{
    public static async Task<int> Main(string[] arguments) => arguments switch
    {
        ["worker", var role, var database, .. var rest] => await Roles.PlayAsync(role, database, rest),
        _ when arguments.Any(argument => argument is "--server" or "--internal-msbuild-node") =>
            await Xunit.MicrosoftTestingPlatform.TestPlatformTestFramework.RunAsync(arguments, SelfRegisteredExtensions.AddSelfRegisteredExtensions),
        _ => await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(arguments),
    };
}
