using System.Collections;
using System.Collections.Frozen;
using System.Text.Json.Nodes;
using EventStore.Engines;

namespace EventStore;

/// <summary>
/// An event that an application adds or appends: its body, its headers and its id. One message is stored once in a commit: a second one
/// with its id is refused.
/// </summary>
public sealed class EventMessage
{
    private static readonly FrozenDictionary<string, string> NoHeaders = FrozenDictionary<string, string>.Empty;

    /// <summary>Creates a message. Headers are copied. The body is serialized when the message is added or appended, not later.</summary>
    /// <param name="body">The event.</param>
    /// <param name="headers">Its headers; null for none.</param>
    /// <param name="eventId">Its id; null for a new one, sortable by creation (UUID version 7, RFC 9562).</param>
    /// <param name="tags">
    /// Short texts by which the event can be found and conditions be made, such as <c>course:42</c>. At most 64, of 1 to 256 bytes in
    /// UTF-8. They are stored in order, without repeats, and never encrypted. Null for none.
    /// </param>
    /// <exception cref="ArgumentException">
    /// The id is all zeros, a header has no value, or the body is a collection or a value of this library.
    /// </exception>
    /// <exception cref="InvalidNameException">A tag is empty, too long or ill-formed.</exception>
    /// <exception cref="TooLargeException">There are too many tags.</exception>
    public EventMessage(
        object body, IReadOnlyDictionary<string, string>? headers = null, Guid? eventId = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(body);
        if (eventId == Guid.Empty)
            throw new ArgumentException("An event id is not all zeros; leave it out to get a new one.", nameof(eventId));

        RefuseWhatIsNoEvent(body);
        foreach (var (name, value) in headers ?? NoHeaders)
        {
            if (value is null)
                throw new ArgumentException(
                    $"The header '{Names.Printable(name)}' has no value (null). Leave it out, or give it a text.", nameof(headers));
        }

        Body = body;
        Headers = headers is null or { Count: 0 } ? NoHeaders : new Dictionary<string, string>(headers, StringComparer.Ordinal);
        EventId = eventId ?? SequentialGuid.Next();
        Tags = EventTags.Require(tags, nameof(tags));
    }

    /// <summary>
    /// Creates a message of bytes that the store does not interpret, under a type name of its own. It is read as an object where the name
    /// is registered, otherwise as an <see cref="UnknownEvent"/>.
    /// </summary>
    /// <param name="eventType">The stable name of its type: 1 to 256 bytes in UTF-8.</param>
    /// <param name="payload">The body, possibly empty; it comes back byte for byte. Compressed and encrypted as every body is.</param>
    /// <param name="headers">Its headers; null for none.</param>
    /// <param name="eventId">Its id; null for a new one.</param>
    /// <exception cref="InvalidNameException">The name is empty, too long or ill-formed.</exception>
    public static EventMessage OfBytes(
        string eventType,
        ReadOnlyMemory<byte> payload,
        IReadOnlyDictionary<string, string>? headers = null,
        Guid? eventId = null) =>
        new(new UnknownEvent(EventRecord.RequireType(eventType), payload), headers, eventId);

    /// <summary>The event.</summary>
    public object Body { get; }

    /// <summary>The event's id.</summary>
    public Guid EventId { get; }

    /// <summary>Its headers; never null.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; }

    /// <summary>Its tags, in order and without repeats; never null.</summary>
    public IReadOnlyList<string> Tags { get; }

    // Arguments passed in the place of an event by mistake. Stored, they would be noticed only when they are read.
    private static void RefuseWhatIsNoEvent(object body)
    {
        if (body is EventMessage or CommittedEvent or StreamId or ExpectedRevision or Revision or Checkpoint or CommitSequence
            or Guid or CancellationToken or Task)
            throw new ArgumentException(
                $"A {body.GetType().Name} is not an event. "
                + "Pass the event itself; expected revisions, ids and tokens have their own parameters.",
                nameof(body));
        if (body.GetType().IsPrimitive || body is decimal)
            throw new ArgumentException(
                $"A value of {body.GetType()} is not an event. Pass an expected revision as ExpectedRevision.Exactly(…), "
                + "and wrap a value in a type of its own.",
                nameof(body));
        if (body is IEnumerable and not (string or byte[] or JsonNode))
            throw new ArgumentException(
                $"{body.GetType()} is a collection, not one event. Append its elements, or wrap it in its own type.", nameof(body));
    }
}

/// <summary>Names of headers with a common meaning.</summary>
public static class EventHeaders
{
    /// <summary>Identifies what belongs together across streams, such as a request.</summary>
    public const string CorrelationId = "correlation-id";

    /// <summary>Identifies the message that caused this one.</summary>
    public const string CausationId = "causation-id";

    /// <summary>
    /// The stamp that an imported commit had in its source, in ISO 8601, where this store had to raise it. A header of the commit.
    /// </summary>
    public const string OriginalStamp = "original-stamp";
}
