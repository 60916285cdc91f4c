using Microsoft.Extensions.Logging;

namespace EventStore.FileSystem.Engine;

/// <summary>What the engine logs. Never a payload.</summary>
internal static partial class EngineLog
{
    [LoggerMessage(
        1, LogLevel.Warning,
        "The log of the store at '{Root}' had a torn end of {Bytes} bytes that was never acknowledged. It was cut off; "
        + "a copy is in '{Copy}'.")]
    public static partial void TornEnd(ILogger logger, string root, long bytes, string copy);

    [LoggerMessage(
        2, LogLevel.Warning,
        "Compressing '{Segment}' of the store at '{Root}' failed: {Problem} The file stays as it is, and nothing is lost. "
        + "Unless it is damaged, compression is tried again when a later file is sealed, and by CompactAsync.")]
    public static partial void PackingFailed(ILogger logger, string root, string segment, string problem);

    [LoggerMessage(
        3, LogLevel.Warning,
        "The store at '{Root}' was closed without its last checkpoint: {Problem} Nothing is lost; the next opening reads more of the log.")]
    public static partial void ClosingIncomplete(ILogger logger, string root, string problem);
}
