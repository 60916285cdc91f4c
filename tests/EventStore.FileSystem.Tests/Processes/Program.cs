using Xunit.MicrosoftTestingPlatform;

namespace EventStore.FileSystem.Tests.Processes;

/// <summary>
/// Runs the suite or, selected by the first argument, a process that the suite kills, traces, locks out or reads from, or writes a golden
/// store.
/// </summary>
internal static class Program
{
    public static Task<int> Main(string[] arguments) => arguments switch
    {
        [Writer.Verb, .. var rest] => Writer.RunAsync(WriterOrder.Parse(rest)),
        [Reader.Verb, .. var rest] => Reader.RunAsync(WriterOrder.Parse(rest)),
        [Starved.OfThreads, var folder, var durability] => Starved.RunWithoutThreadsAsync(folder, Enum.Parse<Durability>(durability)),
        [Starved.OfHandles, var folder] => Starved.RunWithoutHandlesAsync(folder),
        ["write-golden-store", var folder] => GoldenFileTests.WriteAsync(folder),
        _ => TestPlatformTestFramework.RunAsync(arguments, SelfRegisteredExtensions.AddSelfRegisteredExtensions),
    };
}
