using Microsoft.Extensions.Logging;

namespace EventStore.Postgres;

/// <summary>What the backend logs. Never a payload or a secret.</summary>
internal static partial class PostgresLog
{
    [LoggerMessage(1, LogLevel.Warning,
        "The connection that listens for commits of other processes was lost. It is opened again; meanwhile waiting callers poll.")]
    public static partial void ListeningLost(ILogger logger, Exception error);

    [LoggerMessage(2, LogLevel.Warning, "A commit could not be announced to other processes. They find it when they poll.")]
    public static partial void NoticeLost(ILogger logger, Exception error);

    [LoggerMessage(3, LogLevel.Information, "PostgreSQL at {Address} cannot be reached yet; asking again.")]
    public static partial void WaitingForServer(ILogger logger, string address);
}
