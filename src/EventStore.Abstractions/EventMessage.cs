using System.Collections;
using System.Collections.Frozen;
using System.Text.Json.Nodes;
using EventStore.Engines;

namespace EventStore;

/// <summary>An event that an application adds or appends: its body, its headers and its id.</summary>
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
                throw new ArgumentException($"The header '{name}' has no value (null). Leave it out, or give it a text.", nameof(headers));
        }

        Body = body;
        Headers = headers is null or { Count: 0 } ? NoHeaders : new Dictionary<string, string>(headers, StringComparer.Ordinal);
        EventId = eventId ?? NewId.Next();
        Tags = EventTags.Require(tags, nameof(tags));
    }

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
}
