namespace EventStore.Newcomer;

/// <summary>Commands of pages that are not carried out here, each with its reason.</summary>
internal static class Exemptions
{
    /// <summary>The beginnings of commands, and the reasons.</summary>
    public static readonly IReadOnlyDictionary<string, string> Reasons = new Dictionary<string, string>
    {
        ["./test.sh --quick"] = "It runs for minutes, and is how these tests are started.",
        ["dotnet run --project samples/LiveProjections"] = "EventStore.Processes.Tests runs it with fewer kills.",
    };

    /// <summary>Why a command is not carried out; null for one that is.</summary>
    public static string? ReasonOf(string command) =>
        Reasons.FirstOrDefault(exemption => command.StartsWith(exemption.Key, StringComparison.Ordinal)).Value;
}
