using Xunit;

namespace EventStore.TestServers;

/// <summary>What becomes of a test whose server is not available.</summary>
public static class Absence
{
    private static readonly bool IsContinuousBuild = Environment.GetEnvironmentVariable("CI") is { Length: > 0 } value && value != "false";

    /// <summary>
    /// Skips the test with the sentence; in a continuous build returns the exception that fails it. A server that Debian has no package of
    /// cannot be provided everywhere, so its tests skip there too.
    /// </summary>
    public static Exception Of(string sentence, bool hasPackage = true)
    {
        Assert.SkipUnless(IsContinuousBuild && hasPackage, sentence);
        return new InvalidOperationException(sentence + " In a continuous build it must be there.");
    }
}
