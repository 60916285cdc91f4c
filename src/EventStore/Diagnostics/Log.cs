using Microsoft.Extensions.Logging;

namespace EventStore.Diagnostics;

/// <summary>All log messages of core. They contain names of streams and ids of commits, never payloads or headers.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Event store built on {Engine}; durability {Durability}")]
    public static partial void Built(ILogger logger, string engine, Durability durability);

    [LoggerMessage(2, LogLevel.Warning, "Durability of {Engine} is weakened: {Warning}")]
    public static partial void DurabilityWarning(ILogger logger, string engine, string warning);

    [LoggerMessage(11, LogLevel.Warning, "{Engine} was opened with a finding: {Finding}")]
    public static partial void Found(ILogger logger, string engine, string finding);

    [LoggerMessage(3, LogLevel.Error, "The hook {Hook} failed after commit {CommitId} to stream {Stream} was stored; the commit stands")]
    public static partial void AfterCommitHookFailed(ILogger logger, Exception error, string hook, Guid commitId, StreamId stream);

    [LoggerMessage(12, LogLevel.Warning,
        "Commit {CommitId} to stream {Stream} is stored, but its events could not be shown in the stream object; refresh the stream")]
    public static partial void CommitNotShown(ILogger logger, Exception error, Guid commitId, StreamId stream);

    [LoggerMessage(4, LogLevel.Error, "The hook {Hook} failed after {What} was deleted; it stays deleted")]
    public static partial void AfterRemovalHookFailed(ILogger logger, Exception error, string hook, string what);

    [LoggerMessage(5, LogLevel.Warning,
        "The outcome of {Commits} commits is unknown ({Reason}); they are looked for, and sent again if not found, attempt {Attempt}")]
    public static partial void Settling(ILogger logger, int commits, string reason, int attempt);

    [LoggerMessage(48, LogLevel.Error,
        "A listener for metrics or activities failed; the store goes on, and does not log further failures of listeners")]
    public static partial void ListenerFailed(ILogger logger, Exception error);

    [LoggerMessage(47, LogLevel.Warning, "Commits of an unknown outcome cannot be looked for; they are sent again")]
    public static partial void NotFoundOut(ILogger logger, Exception error);

    [LoggerMessage(6, LogLevel.Warning, "Dispatch of commit {CommitId} of stream {Stream} failed {Failures} times; next try in {Delay}")]
    public static partial void DispatchFailed(
        ILogger logger, Exception error, Guid commitId, StreamId stream, int failures, TimeSpan delay);

    [LoggerMessage(7, LogLevel.Error, "Dispatch of commit {CommitId} of stream {Stream} failed {Failures} times and was parked")]
    public static partial void DispatchParked(ILogger logger, Exception error, Guid commitId, StreamId stream, int failures);

    [LoggerMessage(8, LogLevel.Information, "This process dispatches commits after checkpoint {Watermark}")]
    public static partial void LeaseTaken(ILogger logger, Checkpoint watermark);

    [LoggerMessage(9, LogLevel.Warning, "This process no longer dispatches: {Reason}")]
    public static partial void LeaseLost(ILogger logger, string reason);

    [LoggerMessage(10, LogLevel.Error, "The dispatch loop failed and restarts in {Delay}")]
    public static partial void DispatchLoopFailed(ILogger logger, Exception error, TimeSpan delay);

    [LoggerMessage(20, LogLevel.Warning,
        "Consumer {Name} failed {Failures} times at checkpoint {Checkpoint} of stream {Stream}; next try in {Delay}")]
    public static partial void ConsumerFailed(
        ILogger logger, Exception error, string name, StreamId stream, Checkpoint checkpoint, int failures, TimeSpan delay);

    [LoggerMessage(21, LogLevel.Error,
        "Consumer {Name} failed {Failures} times at checkpoint {Checkpoint} of stream {Stream}; action {Action}")]
    public static partial void ConsumerGaveUp(
        ILogger logger, Exception error, string name, StreamId stream, Checkpoint checkpoint, int failures, FailureAction action);

    [LoggerMessage(22, LogLevel.Information, "Consumer {Name} is active and continues after checkpoint {Checkpoint}")]
    public static partial void ConsumerActive(ILogger logger, string name, Checkpoint checkpoint);

    [LoggerMessage(23, LogLevel.Warning, "Consumer {Name} is no longer active: {Reason}")]
    public static partial void ConsumerLost(ILogger logger, string name, string reason);

    [LoggerMessage(24, LogLevel.Error, "Consumer {Name} ended with a failure")]
    public static partial void ConsumerEnded(ILogger logger, Exception error, string name);

    [LoggerMessage(25, LogLevel.Warning, "Consumer {Name} cannot reach its storage and tries again in {Delay}")]
    public static partial void ConsumerStorageFailed(ILogger logger, Exception error, string name, TimeSpan delay);

    [LoggerMessage(13, LogLevel.Warning, "Dispatch cannot reach its storage and tries again in {Delay}")]
    public static partial void DispatchStorageFailed(ILogger logger, Exception error, TimeSpan delay);

    [LoggerMessage(14, LogLevel.Error, "Dispatch ended with a failure; nothing more is dispatched until the store is opened again")]
    public static partial void DispatchEnded(ILogger logger, Exception error);

    [LoggerMessage(15, LogLevel.Error, "Dispatch did not stop within {Waited}: the dispatcher is still running")]
    public static partial void DispatchNotStopped(ILogger logger, TimeSpan waited);

    [LoggerMessage(27, LogLevel.Information,
        "Consumer {Name} is held by a process of which it is unknown whether it lives; it is watched for up to {Term}")]
    public static partial void ConsumerWatching(ILogger logger, string name, TimeSpan term);

    [LoggerMessage(31, LogLevel.Error, "The callback {Option} of consumer {Name} failed; the consumer goes on")]
    public static partial void ConsumerCallbackFailed(ILogger logger, Exception error, string name, string option);

    [LoggerMessage(28, LogLevel.Error, "Consumer {Name} did not stop within {Waited}: its handler is still running")]
    public static partial void ConsumerNotStopped(ILogger logger, string name, TimeSpan waited);

    [LoggerMessage(30, LogLevel.Error,
        "The last position of consumer {Name} could not be written; events since the position written before are delivered again")]
    public static partial void ConsumerNotWritten(ILogger logger, Exception error, string name);

    [LoggerMessage(29, LogLevel.Warning,
        "The state of consumer {Name} has {Bytes} bytes of at most {Limit}; keep a growing state in a read model of its own")]
    public static partial void ConsumerStateLarge(ILogger logger, string name, long bytes, long limit);

    [LoggerMessage(34, LogLevel.Information, "Retention removed {Events} events of {Streams} streams")]
    public static partial void Retained(ILogger logger, long streams, long events);

    [LoggerMessage(35, LogLevel.Error, "Retention failed; it is tried again in {Interval}")]
    public static partial void RetentionFailed(ILogger logger, Exception error, TimeSpan interval);

    [LoggerMessage(36, LogLevel.Warning,
        "Consumer {Name} goes on after {Count} events of stream {Stream} that were truncated before it handled them")]
    public static partial void ConsumerMissed(ILogger logger, string name, long count, StreamId stream);

    [LoggerMessage(26, LogLevel.Warning,
        "Read stream {Name} is signed with an empty key: a changed filter cannot be detected; choose a key with SignReadStreamsWith(key)")]
    public static partial void ReadStreamUnsigned(ILogger logger, string name);
}
