using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

namespace EventStore.FileSystem.Tests.Processes;

/// <summary>Runs the suite, or, asked for by its first argument, a process that the suite kills, traces, locks out or listens to, or the making of a golden store.</summary>
internal static class Program
{
    public static Task<int> Main(string[] arguments) => arguments switch
    {
        [Writer.Verb, .. var rest] => Writer.RunAsync(WriterOrder.Parse(rest)),
        [Reader.Verb, .. var rest] => Reader.RunAsync(WriterOrder.Parse(rest)),
        ["write-golden-store", var folder] => GoldenFileTests.WriteAsync(folder),
        _ when arguments.Contains("--server") || arguments.Contains("--internal-msbuild-node") =>
            TestPlatformTestFramework.RunAsync(arguments, SelfRegisteredExtensions.AddSelfRegisteredExtensions),
        _ => ConsoleRunner.Run(arguments),
    };
}
