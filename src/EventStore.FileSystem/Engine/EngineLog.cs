using Microsoft.Extensions.Logging;

namespace EventStore.FileSystem.Engine;

/// <summary>What the engine logs. Never a payload.</summary>
internal static partial class EngineLog
{
    [LoggerMessage(1, LogLevel.Warning, "The log of the store at '{Root}' had a torn end of {Bytes} bytes that was never acknowledged. It was cut off; a copy is in '{Copy}'.")]
    public static partial void TornEnd(ILogger logger, string root, long bytes, string copy);
}
