namespace EventStore.Testing;

/// <summary>Makes events as they are read, for tests of handlers, dispatchers and projections. No store takes part.</summary>
public static class CommittedEvents
{
    /// <summary>Makes the events of a stream, from revision 1. Their payloads are empty.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="events">In order, each an <see cref="EventMessage"/>, whose headers and tags are kept, or a body.</param>
    public static IReadOnlyList<CommittedEvent> Of(StreamId stream, params IReadOnlyList<object> events) =>
        After(stream, Revision.None, events);

    /// <summary>Makes the events of a stream that follow a revision, at the checkpoints of the same numbers.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="revision">The revision before the first of them.</param>
    /// <param name="events">In order, each an <see cref="EventMessage"/>, whose headers and tags are kept, or a body.</param>
    public static IReadOnlyList<CommittedEvent> After(StreamId stream, Revision revision, params IReadOnlyList<object> events)
    {
        ArgumentNullException.ThrowIfNull(events);
        return [.. events.Select((given, i) => Make(stream, revision + (i + 1), given as EventMessage ?? new EventMessage(given)))];
    }

    /// <summary>Makes a commit of a stream, from revision 1, as a dispatcher gets it.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="events">At least one, in order, each an <see cref="EventMessage"/> or a body.</param>
    public static Commit CommitOf(StreamId stream, params IReadOnlyList<object> events) => new(Of(stream, events));

    private static CommittedEvent Make(StreamId stream, Revision revision, EventMessage message) =>
        CommittedEvent.Create(stream, revision, message.Body, headers: message.Headers, tags: message.Tags);
}
