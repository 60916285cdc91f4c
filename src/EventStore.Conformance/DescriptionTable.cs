using System.Globalization;

namespace EventStore.Conformance;

/// <summary>An engine's description as a row of the table that READMEs show, so that a test can hold the two together.</summary>
public static class DescriptionTable
{
    /// <summary>The head of the table, in Markdown.</summary>
    public const string Header = "| backend | address | durability | reopens | shared by processes | wakes across processes | events a commit | MiB a commit |";

    /// <summary>The row of one engine, in Markdown.</summary>
    public static string RowOf(EngineDescription description, string scheme)
    {
        ArgumentNullException.ThrowIfNull(description);
        var limits = description.Limits;
        return string.Create(CultureInfo.InvariantCulture,
            $"| {description.Name} | `{scheme}:` | {description.Durability.Level} | {Says(EngineCapabilities.Reopens)} | {Says(EngineCapabilities.SharedWriting)} | {Says(EngineCapabilities.WakesAcrossProcesses)} | {limits.MaxEventsPerCommit:N0} | {limits.MaxCommitBytes >> 20:N0} |");

        string Says(EngineCapabilities capability) => description.Capabilities.HasFlag(capability) ? "yes" : "no";
    }
}
