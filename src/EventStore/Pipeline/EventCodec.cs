using System.Buffers;
using System.Text.Json;
using EventStore.Serialization;

namespace EventStore.Pipeline;

/// <summary>
/// Encodes and decodes events, headers and states: serializer, transforms, mappings and upconverters. Performs no I/O.
/// </summary>
internal sealed class EventCodec(IEventSerializer serializer, PayloadEnvelope envelope, BodyConversion conversion) : IEventDecoder
{
    private const string Unchanged = "The stored bytes are unchanged.";

    /// <summary>Serializes events immediately, so that later changes of the caller have no effect.</summary>
    public EncodedEvents Encode(StreamId stream, IReadOnlyList<EventMessage> messages)
    {
        var events = EncodedEvents.Take();
        var scratch = PayloadScratch.Take();
        for (var i = 0; i < messages.Count; i++)
        {
            var message = messages[i] ?? throw new ArgumentException($"Event {i} is null.", nameof(messages));
            var (type, bodyEnd) = Write(stream, message, scratch);
            events.Add(message, type, scratch.Output.WrittenSpan, bodyEnd);
        }

        scratch.GiveBack();
        return events;
    }

    /// <summary>Serializes an event that is kept until it is committed.</summary>
    public EventRecord Encode(StreamId stream, EventMessage message)
    {
        var scratch = PayloadScratch.Take();
        var (type, bodyEnd) = Write(stream, message, scratch);
        var bytes = scratch.Output.WrittenSpan.ToArray().AsMemory();
        scratch.GiveBack();
        return new EventRecord(message.EventId, type, bytes[..bodyEnd], bytes[bodyEnd..], message.Tags);
    }

    public ReadOnlyMemory<byte> EncodeCommitHeaders(
        StreamId stream, Guid commitId, ICollection<KeyValuePair<string, string>> headers)
    {
        if (headers.Count == 0) return default;
        var scratch = PayloadScratch.Take();
        WriteHeaders(ContextOfCommitHeaders(stream, commitId), headers, scratch);
        return scratch.Output.WrittenSpan.ToArray();
    }

    public SnapshotRecord Encode(Snapshot snapshot)
    {
        var type = NameOf(snapshot.State);
        var scratch = PayloadScratch.Take();
        WriteBody(snapshot.State, ContextOf(snapshot.Stream, type, snapshot.Revision, snapshot.SchemaVersion), scratch);
        var payload = scratch.Output.WrittenSpan.ToArray();
        return new SnapshotRecord(snapshot.Stream, snapshot.Revision, snapshot.SchemaVersion, type, payload)
        {
            Incarnation = snapshot.Incarnation,
        };
    }

    public Snapshot Decode(SnapshotRecord record)
    {
        var context = ContextOf(record.Stream, record.StateType, record.Revision, record.SchemaVersion);
        var payload = envelope.Read(record.Payload, context, Checkpoint.Origin);
        var state = Deserialize(record.StateType, payload, record.Stream, record.Revision);
        return new Snapshot(record.Stream, record.Revision, state, record.SchemaVersion) { Incarnation = record.Incarnation };
    }

    /// <summary>Serializes the state of a consumer.</summary>
    /// <param name="state">The state.</param>
    /// <param name="place">Its place, without its type.</param>
    public (string Type, byte[] Payload) EncodeState(object state, PayloadContext place)
    {
        var type = NameOf(state);
        var scratch = PayloadScratch.Take();
        WriteBody(state, place with { Type = type }, scratch);
        return (type, scratch.Output.WrittenSpan.ToArray());
    }

    /// <summary>Deserializes the state of a consumer.</summary>
    public object DecodeState(ReadOnlyMemory<byte> payload, PayloadContext place) =>
        Deserialize(place.Type, envelope.Read(payload, place, Checkpoint.Origin), place.Stream, Revision.None);

    public CommittedEvent Decode(RecordedEvent recorded) => new(recorded, this);

    public ReadOnlyMemory<byte> RestorePayload(RecordedEvent recorded) => envelope.IsReadUnchanged(recorded.Record.Body.Span)
        ? recorded.Record.Body
        : envelope.Read(recorded.Record.Body, ContextOf(recorded, PayloadKind.EventBody), recorded.Checkpoint);

    /// <summary>A condition on stored names of types, for the engine.</summary>
    public AppendCondition? Widen(AppendCondition? condition) => condition is null ? null : conversion.Names.Widen(condition);

    public string TypeOf(RecordedEvent recorded) => conversion.Names.SeenAs(recorded.Record.EventType);

    /// <summary>Reads a stored body as JSON.</summary>
    /// <exception cref="EventSerializationException">It is not JSON, or deeper than the serializer allows.</exception>
    public JsonDocument ParseBody(RecordedEvent recorded)
    {
        try
        {
            return conversion.Parse(RestorePayload(recorded));
        }
        catch (JsonException error)
        {
            throw Failed("reading as JSON, for a condition on the body,", recorded, error);
        }
    }

    public object DecodeBody(RecordedEvent recorded, ReadOnlyMemory<byte> payload)
    {
        var stage = "conversion";
        try
        {
            (var type, payload) = conversion.ConvertJson(recorded, payload);
            stage = "deserialization";
            var body = serializer.Deserialize(type, payload);
            stage = "conversion";
            return conversion.ConvertObject(body);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            throw Failed(stage, recorded, error);
        }
    }

    public IReadOnlyDictionary<string, string> DecodeHeaders(RecordedEvent recorded) =>
        recorded.Record.Headers is { IsEmpty: false } headers
            ? DecodeHeaders(recorded, envelope.Read(headers, ContextOf(recorded, PayloadKind.EventHeaders), recorded.Checkpoint))
            : HeaderCodec.None;

    public IReadOnlyDictionary<string, string> DecodeCommitHeaders(RecordedEvent recorded) =>
        recorded.Commit.Headers is { IsEmpty: false } headers
            ? DecodeHeaders(recorded, envelope.Read(
                headers,
                ContextOfCommitHeaders(recorded.Commit.Stream, recorded.Commit.CommitId),
                recorded.Checkpoint,
                recorded.Record.EventType))
            : HeaderCodec.None;

    private static IReadOnlyDictionary<string, string> DecodeHeaders(RecordedEvent recorded, ReadOnlyMemory<byte> restored)
    {
        try
        {
            return HeaderCodec.Decode(restored);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw Failed("reading of the headers", recorded, error);
        }
    }

    private static EventSerializationException Failed(string what, RecordedEvent recorded, Exception error) =>
        Failed(what, recorded.Record.EventType, recorded.Commit.Stream, recorded.Revision, error);

    private static EventSerializationException Failed(string what, string type, StreamId stream, Revision revision, Exception error) => new(
        what,
        $"of a '{Names.Printable(type)}' in stream '{stream}' at revision {revision}",
        $"{BodyException.Explain(error)} {Unchanged}",
        BodyException.WithoutText(error));

    private static PayloadContext ContextOf(RecordedEvent recorded, PayloadKind kind) =>
        new(recorded.Commit.Stream, kind, recorded.Record.EventType) { Id = recorded.Record.EventId };

    private static PayloadContext ContextOf(StreamId stream, string type, Revision revision, int schemaVersion) =>
        new(stream, PayloadKind.Snapshot, type) { Position = revision.Value, SchemaVersion = schemaVersion };

    private static PayloadContext ContextOfCommitHeaders(StreamId stream, Guid commitId) =>
        new(stream, PayloadKind.CommitHeaders, "") { Id = commitId };

    // Bytes that are appended as they are have their name with them.
    private string NameOf(object body) =>
        body is UnknownEvent unknown ? EventRecord.RequireType(unknown.EventType) : serializer.NameOf(body.GetType());

    // Writes body and headers into scratch space, and returns where the body ends.
    private (string Type, int BodyEnd) Write(StreamId stream, EventMessage message, PayloadScratch scratch)
    {
        var type = NameOf(message.Body);
        scratch.Output.ResetWrittenCount();
        var context = new PayloadContext(stream, PayloadKind.EventBody, type) { Id = message.EventId };
        var bodyEnd = WriteBody(message.Body, context, scratch);
        if (message.Headers.Count > 0) WriteHeaders(context with { Kind = PayloadKind.EventHeaders }, message.Headers, scratch);
        return (type, bodyEnd);
    }

    // Writes a body into empty scratch space and returns where it ends.
    private int WriteBody(object body, in PayloadContext context, PayloadScratch scratch)
    {
        try
        {
            if (body is UnknownEvent bytes) scratch.Output.Write(bytes.Payload.Span);
            else serializer.Serialize(body, scratch.Output);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            throw new EventSerializationException(
                "serialization",
                $"of a '{Names.Printable(context.Type)}' for stream '{context.Stream}'",
                $"{BodyException.Explain(error)} Nothing was stored.",
                BodyException.WithoutText(error));
        }

        if (!envelope.LeavesAlone(scratch.Output.WrittenSpan)) envelope.Write(0, context, scratch);
        return scratch.Output.WrittenCount;
    }

    private void WriteHeaders(in PayloadContext context, IEnumerable<KeyValuePair<string, string>> headers, PayloadScratch scratch)
    {
        var start = scratch.Output.WrittenCount;
        HeaderCodec.Encode(headers, scratch.Output);
        if (!envelope.LeavesAlone(scratch.Output.WrittenSpan[start..])) envelope.Write(start, context, scratch);
    }

    private object Deserialize(string type, ReadOnlyMemory<byte> payload, StreamId stream, Revision revision)
    {
        try
        {
            return serializer.Deserialize(type, payload);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            throw Failed("deserialization", type, stream, revision, error);
        }
    }
}
