using System.Globalization;

namespace EventStore.TestSupport;

/// <summary>The number of cases: the large numbers with <c>./test.sh --long</c>, or another number from an environment variable.</summary>
public static class LongRun
{
    /// <summary>Whether the long run is asked for.</summary>
    public static bool IsAskedFor { get; } = Environment.GetEnvironmentVariable("EVENTSTORE_CONFORMANCE") == "long";

    /// <summary>The number in a variable; null where there is none.</summary>
    public static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;
}
