using System.Runtime.CompilerServices;
using System.Text;

namespace EventStore.Engines;

/// <summary>An event as an engine keeps it: bytes and a stable type name. An engine never interprets the bytes.</summary>
public readonly struct EventRecord
{
    /// <summary>Longest type name, in UTF-8 bytes.</summary>
    public const int MaxTypeBytes = 256;

    /// <summary>Creates a record.</summary>
    /// <param name="eventId">Its id; not all zeros.</param>
    /// <param name="eventType">The stable name of its type.</param>
    /// <param name="body">Its body.</param>
    /// <param name="headers">Its headers, encoded; empty for none.</param>
    /// <param name="tags">Its tags, as <see cref="EventTags.Require"/> returns them; null for none.</param>
    /// <exception cref="InvalidNameException">The type name is empty, too long or ill-formed.</exception>
    /// <exception cref="ArgumentException">The id is all zeros.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)] // a replay creates millions, and a call would copy them
    public EventRecord(
        Guid eventId,
        string eventType,
        ReadOnlyMemory<byte> body,
        ReadOnlyMemory<byte> headers = default,
        IReadOnlyList<string>? tags = null)
    {
        if (eventId == Guid.Empty) throw new ArgumentException("An event id is not all zeros.", nameof(eventId));
        EventId = eventId;
        EventType = RequireType(eventType);
        Body = body;
        Headers = headers;
        Tags = tags ?? [];
    }

    /// <summary>The event's id.</summary>
    public Guid EventId { get; }

    /// <summary>The stable name of the event's type; never the name of a CLR type.</summary>
    public string EventType { get; }

    /// <summary>The body, possibly empty.</summary>
    public ReadOnlyMemory<byte> Body { get; }

    /// <summary>The headers, empty when there are none.</summary>
    public ReadOnlyMemory<byte> Headers { get; }

    /// <summary>The tags, in their order; empty for none.</summary>
    public IReadOnlyList<string> Tags { get; }

    /// <summary>Bytes of body, headers and tags, to be compared with limits.</summary>
    public long SizeBytes
    {
        get
        {
            long size = Body.Length + Headers.Length;
            for (var i = 0; i < Tags.Count; i++) size += Encoding.UTF8.GetByteCount(Tags[i]);
            return size;
        }
    }

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
