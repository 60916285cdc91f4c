using System.Collections.Frozen;

namespace EventStore.Testing;

/// <summary>Makes events as they are read, for tests of handlers, dispatchers and projections. No store takes part.</summary>
public static class CommittedEvents
{
    /// <summary>Makes the events of a stream, from revision 1, each a commit of its own. Their payloads are empty.</summary>
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
        return [.. events.SelectMany((given, i) => MakeCommit(stream, revision + i, [given]))];
    }

    /// <summary>Makes one commit of a stream, from revision 1, as a dispatcher gets it.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="events">At least one, in order, each an <see cref="EventMessage"/> or a body.</param>
    public static Commit CommitOf(StreamId stream, params IReadOnlyList<object> events)
    {
        ArgumentNullException.ThrowIfNull(events);
        return new Commit(MakeCommit(stream, Revision.None, events));
    }

    private static CommittedEvent[] MakeCommit(StreamId stream, Revision after, IReadOnlyList<object> events)
    {
        _ = stream.Id;
        var (first, checkpoint) = (after + 1, new Checkpoint(after.Value + 1));
        var commit = new CommitRecord(
            stream,
            SequentialGuid.Next(),
            new CommitSequence(first.Value),
            DateTimeOffset.UnixEpoch,
            first,
            checkpoint,
            events.Count,
            Headers: default);
        return [.. events.Select((given, i) => Make(commit, i, given as EventMessage ?? new EventMessage(given)))];
    }

    private static CommittedEvent Make(CommitRecord commit, int index, EventMessage message)
    {
        var type = message.Body is UnknownEvent unknown ? unknown.EventType : message.Body.GetType().Name;
        return new CommittedEvent(
            new RecordedEvent(commit, index, new EventRecord(message.EventId, type, default, tags: message.Tags)), new Given(message));
    }

    /// <summary>The decoder of an event that was not read from a store.</summary>
    private sealed class Given(EventMessage message) : IEventDecoder
    {
        public ReadOnlyMemory<byte> RestorePayload(RecordedEvent recorded) => recorded.Record.Body;

        public object DecodeBody(RecordedEvent recorded, ReadOnlyMemory<byte> payload) => message.Body;

        public IReadOnlyDictionary<string, string> DecodeHeaders(RecordedEvent recorded) => message.Headers;

        public IReadOnlyDictionary<string, string> DecodeCommitHeaders(RecordedEvent recorded) => FrozenDictionary<string, string>.Empty;
    }
}
