using Microsoft.Extensions.Logging;

namespace EventStore.Redis;

/// <summary>Every log message of this backend. Keys and payloads never appear.</summary>
internal static partial class RedisLog
{
    [LoggerMessage(1, LogLevel.Warning, "The connection to {Address} failed: {Failure}")]
    public static partial void Failed(ILogger logger, string address, string failure);

    [LoggerMessage(2, LogLevel.Information, "The connection to {Address} is back")]
    public static partial void Restored(ILogger logger, string address);

    [LoggerMessage(3, LogLevel.Debug, "The command {Command} was not carried out by {Address}; trying again in {Delay}")]
    public static partial void Repeating(ILogger logger, string command, string address, TimeSpan delay, Exception error);

    [LoggerMessage(4, LogLevel.Critical,
        "The store {Address} went back from checkpoint {Known} to {Found}: its server lost what it had acknowledged")]
    public static partial void WentBack(ILogger logger, string address, long known, long found);

    [LoggerMessage(5, LogLevel.Warning, "Commits of other processes are not announced here for now; they are found by polling")]
    public static partial void NotListening(ILogger logger, Exception error);

    [LoggerMessage(6, LogLevel.Warning,
        "Clearing away what was removed from {Address} stopped; it goes on when the store is opened again, or something else is removed")]
    public static partial void SweepStopped(ILogger logger, string address, Exception error);
}
