using Microsoft.Extensions.Logging;

namespace EventStore.Sqlite;

/// <summary>What the engine logs. Never a payload.</summary>
internal static partial class SqliteLog
{
    [LoggerMessage(1, LogLevel.Warning, "The store in '{Path}': {Warning}")]
    public static partial void Weakened(ILogger logger, string path, string warning);
}
