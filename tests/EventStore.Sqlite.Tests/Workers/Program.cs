using Xunit.MicrosoftTestingPlatform;

namespace EventStore.Sqlite.Tests.Workers;

/// <summary>Runs the tests or, where a test asks for it, plays another process that uses the same database.</summary>
internal static class Program
{
    public static async Task<int> Main(string[] arguments) => arguments switch
    {
        ["worker", var role, var database, .. var rest] => await Roles.PlayAsync(role, database, rest),
        _ => await TestPlatformTestFramework.RunAsync(arguments, SelfRegisteredExtensions.AddSelfRegisteredExtensions),
    };
}
