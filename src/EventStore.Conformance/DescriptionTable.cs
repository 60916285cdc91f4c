using System.Globalization;

namespace EventStore.Conformance;

/// <summary>An engine's description as a row of the table in READMEs, so that a test can compare the two.</summary>
public static class DescriptionTable
{
    /// <summary>The head of the table, in Markdown.</summary>
    public const string Header =
        "| backend | address | durability | reopens | several writers | readers beside a writer | wakes across processes "
        + "| events a commit | MiB a commit |";

    /// <summary>The row of one engine, in Markdown.</summary>
    public static string RowOf(EngineDescription description, string scheme)
    {
        ArgumentNullException.ThrowIfNull(description);
        var limits = description.Limits;
        return string.Create(CultureInfo.InvariantCulture,
            $"| {description.Name} | `{scheme}:` | {description.Durability.Level} | "
            + $"{Mark(EngineCapabilities.Reopens)} | {Mark(EngineCapabilities.SharedWriting)} | "
            + $"{Mark(EngineCapabilities.SharedReading)} | {Mark(EngineCapabilities.WakesAcrossProcesses)} | "
            + $"{limits.MaxEventsPerCommit:N0} | {limits.MaxCommitBytes >> 20:N0} |");

        string Mark(EngineCapabilities capability) => description.Capabilities.HasFlag(capability) ? "yes" : "no";
    }
}
