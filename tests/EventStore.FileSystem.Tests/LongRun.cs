namespace EventStore.FileSystem.Tests;

/// <summary>Whether <c>./test.sh --long</c> runs, which asks for the large numbers of cases.</summary>
internal static class LongRun
{
    public static bool IsAskedFor { get; } = Environment.GetEnvironmentVariable("EVENTSTORE_CONFORMANCE") == "long";
}
