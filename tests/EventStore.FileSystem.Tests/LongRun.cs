using System.Globalization;

namespace EventStore.FileSystem.Tests;

/// <summary>How much is asked for: by <c>./test.sh --long</c>, the large numbers of cases, or by a variable of the environment, another number.</summary>
internal static class LongRun
{
    public static bool IsAskedFor { get; } = Environment.GetEnvironmentVariable("EVENTSTORE_CONFORMANCE") == "long";

    /// <summary>The number in a variable; null where there is none.</summary>
    public static int? Number(string variable) => int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
