using System.Runtime.CompilerServices;

namespace EventStore.Engines;

/// <summary>An event as an engine keeps it: bytes and a stable type name. An engine never interprets the bytes.</summary>
public readonly struct EventRecord
{
    /// <summary>Longest type name, in UTF-8 bytes.</summary>
    public const int MaxTypeBytes = 256;

    /// <summary>Creates a record.</summary>
    /// <exception cref="InvalidNameException">The type name is empty, too long or ill-formed.</exception>
    /// <exception cref="ArgumentException">The id is all zeros.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)] // a replay creates millions, and a call would copy them
    public EventRecord(Guid eventId, string eventType, ReadOnlyMemory<byte> body, ReadOnlyMemory<byte> headers = default)
    {
        if (eventId == Guid.Empty) throw new ArgumentException("An event id is not all zeros.", nameof(eventId));
        EventId = eventId;
        EventType = RequireType(eventType);
        Body = body;
        Headers = headers;
    }

    /// <summary>The event's id.</summary>
    public Guid EventId { get; }

    /// <summary>The stable name of the event's type; never the name of a CLR type.</summary>
    public string EventType { get; }

    /// <summary>The body, possibly empty.</summary>
    public ReadOnlyMemory<byte> Body { get; }

    /// <summary>The headers, empty when there are none.</summary>
    public ReadOnlyMemory<byte> Headers { get; }

    /// <summary>Returns the name if it may name a type of events.</summary>
    /// <exception cref="InvalidNameException">It is empty, too long or ill-formed.</exception>
    public static string RequireType(string eventType) => Names.Require(eventType, nameof(eventType), MaxTypeBytes);
}

/// <summary>
/// A stored event as an engine reads it: the record, its commit, and its place in the commit. Pages, and the events that an application
/// reads, refer to it.
/// </summary>
public sealed class RecordedEvent
{
    /// <summary>Creates the stored form of an event.</summary>
    /// <param name="commit">The commit.</param>
    /// <param name="indexInCommit">0 for the commit's first event.</param>
    /// <param name="record">The event.</param>
    public RecordedEvent(CommitRecord commit, int indexInCommit, EventRecord record)
    {
        ArgumentNullException.ThrowIfNull(commit);
        ArgumentOutOfRangeException.ThrowIfNegative(indexInCommit);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(indexInCommit, commit.EventCount);
        Commit = commit;
        IndexInCommit = indexInCommit;
        Record = record;
    }

    /// <summary>The commit; events of one commit may share one instance.</summary>
    public CommitRecord Commit { get; }

    /// <summary>The event's place in its commit, from 0.</summary>
    public int IndexInCommit { get; }

    /// <summary>The event.</summary>
    public EventRecord Record { get; }

    /// <summary>The event's number in its stream.</summary>
    public Revision Revision => Commit.FirstRevision + IndexInCommit;

    /// <summary>The event's position in the store.</summary>
    public Checkpoint Checkpoint => Commit.FirstCheckpoint + IndexInCommit;
}
