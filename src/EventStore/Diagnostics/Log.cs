using Microsoft.Extensions.Logging;

namespace EventStore.Diagnostics;

/// <summary>Every log message of core, in one place. Names of streams and ids of commits appear, payloads and headers never.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Event store built over {Engine}; durability {Durability}")]
    public static partial void Built(ILogger logger, string engine, Durability durability);

    [LoggerMessage(2, LogLevel.Warning, "Durability of {Engine} is weakened: {Warning}")]
    public static partial void DurabilityWarning(ILogger logger, string engine, string warning);

    [LoggerMessage(11, LogLevel.Warning, "Opening {Engine} found: {Finding}")]
    public static partial void Found(ILogger logger, string engine, string finding);

    [LoggerMessage(3, LogLevel.Error, "The hook {Hook} failed after commit {CommitId} to stream {Stream} was stored; the commit stands")]
    public static partial void AfterCommitHookFailed(ILogger logger, Exception error, string hook, Guid commitId, StreamId stream);

    [LoggerMessage(12, LogLevel.Warning, "Commit {CommitId} to stream {Stream} is stored, but could not be shown in the stream that made it; refresh it")]
    public static partial void CommitNotShown(ILogger logger, Exception error, Guid commitId, StreamId stream);

    [LoggerMessage(4, LogLevel.Error, "The hook {Hook} failed after {What} was removed; it stays removed")]
    public static partial void AfterRemovalHookFailed(ILogger logger, Exception error, string hook, string what);

    [LoggerMessage(5, LogLevel.Warning, "The outcome of a batch of {Commits} commits is unknown ({Why}); settling it by commit id, attempt {Attempt}")]
    public static partial void Settling(ILogger logger, int commits, string why, int attempt);

    [LoggerMessage(6, LogLevel.Warning, "Dispatch of commit {CommitId} of stream {Stream} failed {Failures} times; next try in {Delay}")]
    public static partial void DispatchFailed(ILogger logger, Exception error, Guid commitId, StreamId stream, int failures, TimeSpan delay);

    [LoggerMessage(7, LogLevel.Error, "Dispatch of commit {CommitId} of stream {Stream} failed {Failures} times and was parked")]
    public static partial void DispatchParked(ILogger logger, Exception error, Guid commitId, StreamId stream, int failures);

    [LoggerMessage(8, LogLevel.Information, "This process dispatches from checkpoint {Watermark} on")]
    public static partial void LeaseTaken(ILogger logger, Checkpoint watermark);

    [LoggerMessage(9, LogLevel.Warning, "This process no longer dispatches: {Why}")]
    public static partial void LeaseLost(ILogger logger, string why);

    [LoggerMessage(10, LogLevel.Error, "The dispatch loop failed and starts again in {Delay}")]
    public static partial void DispatchLoopFailed(ILogger logger, Exception error, TimeSpan delay);

    [LoggerMessage(20, LogLevel.Warning, "Consumer {Name} failed {Failures} times at checkpoint {Checkpoint} of stream {Stream}; next try in {Delay}")]
    public static partial void ConsumerFailed(ILogger logger, Exception error, string name, StreamId stream, Checkpoint checkpoint, int failures, TimeSpan delay);

    [LoggerMessage(21, LogLevel.Error, "Consumer {Name} failed {Failures} times at checkpoint {Checkpoint} of stream {Stream}; the event goes by its policy: {Action}")]
    public static partial void ConsumerGaveUp(ILogger logger, Exception error, string name, StreamId stream, Checkpoint checkpoint, int failures, FailureAction action);

    [LoggerMessage(22, LogLevel.Information, "Consumer {Name} goes on after checkpoint {Checkpoint}")]
    public static partial void ConsumerActive(ILogger logger, string name, Checkpoint checkpoint);

    [LoggerMessage(23, LogLevel.Warning, "Consumer {Name} is no longer the active subscriber: {Why}")]
    public static partial void ConsumerLost(ILogger logger, string name, string why);

    [LoggerMessage(24, LogLevel.Error, "Consumer {Name} ended by a failure")]
    public static partial void ConsumerEnded(ILogger logger, Exception error, string name);

    [LoggerMessage(25, LogLevel.Warning, "Consumer {Name} cannot reach its storage and tries again in {Delay}")]
    public static partial void ConsumerStorageFailed(ILogger logger, Exception error, string name, TimeSpan delay);

    [LoggerMessage(26, LogLevel.Warning, "Read streams are signed with an empty key: whoever can write to the storage can change their filters unseen. Choose one with SignReadStreamsWith(key)")]
    public static partial void ReadStreamsUnsigned(ILogger logger);
}
