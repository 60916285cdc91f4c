using Microsoft.Extensions.Logging;

namespace EventStore;

/// <summary>The log messages of this package. They name streams and types, never a state or an event.</summary>
internal static partial class DomainLog
{
    public const string Category = "EventStore.Domain";

    [LoggerMessage(1, LogLevel.Warning,
        "Stream {Stream} is stored up to revision {Revision}, but no snapshot was taken or no state kept; the commit stands")]
    public static partial void NotKept(ILogger logger, Exception error, StreamId stream, Revision revision);

    [LoggerMessage(2, LogLevel.Warning,
        "The snapshot of stream {Stream} cannot be read as {State}, so all events are read; register the type or raise SchemaVersion")]
    public static partial void SnapshotUnreadable(ILogger logger, Exception? error, StreamId stream, string state);
}
