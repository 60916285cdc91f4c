using System.Collections.Frozen;
using System.ComponentModel;
using EventStore.Engines;

namespace EventStore;

/// <summary>
/// A stored event as an application reads it. The body is deserialized when it is first read, so that reading bytes needs no decoding.
/// </summary>
public sealed class CommittedEvent
{
    private readonly RecordedEvent recorded;
    private readonly IEventDecoder decoder;
    private object? body;
    private Restored? restored;

    /// <summary>Creates an event from its stored form and a decoder.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public CommittedEvent(in RecordedEvent recorded, IEventDecoder decoder)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        this.recorded = recorded;
        this.decoder = decoder;
    }

    private CommittedEvent(CommittedEvent original, object body) : this(original.recorded, original.decoder) => this.body = body;

    /// <summary>Creates an event for tests of handlers and projections. Its payload is empty.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="revision">The event's number in its stream; 1 or higher.</param>
    /// <param name="body">The event itself.</param>
    /// <param name="checkpoint">Its position in the store; null for the same number as the revision.</param>
    /// <param name="eventType">The stable name of its type; null for the name of the CLR type.</param>
    /// <param name="headers">Its headers; null for none.</param>
    /// <param name="stamp">When it was stored; null for the Unix epoch.</param>
    /// <exception cref="ArgumentOutOfRangeException">The revision or the checkpoint is 0.</exception>
    /// <exception cref="InvalidNameException">The stream is default(StreamId).</exception>
    public static CommittedEvent Create(
        StreamId stream,
        Revision revision,
        object body,
        Checkpoint? checkpoint = null,
        string? eventType = null,
        IReadOnlyDictionary<string, string>? headers = null,
        DateTimeOffset? stamp = null)
    {
        _ = stream.Id;
        var message = new EventMessage(body, headers);
        var position = checkpoint ?? new Checkpoint(revision.Value);
        ArgumentOutOfRangeException.ThrowIfZero(revision.Value, nameof(revision));
        ArgumentOutOfRangeException.ThrowIfZero(position.Value, nameof(checkpoint));
        var commit = new CommitRecord(
            stream, SequentialGuid.Next(), new CommitSequence(revision.Value), stamp
                ?? DateTimeOffset.UnixEpoch, revision, position, EventCount: 1, Headers: default);
        return new(
            new RecordedEvent(commit, 0, new EventRecord(message.EventId, eventType ?? body.GetType().Name, default)),
            new GivenEvent(message));
    }

    /// <summary>The stream.</summary>
    public StreamId Stream => recorded.Commit.Stream;

    /// <summary>The event's number in its stream.</summary>
    public Revision Revision => recorded.Revision;

    /// <summary>The event's position in the store.</summary>
    public Checkpoint Checkpoint => recorded.Checkpoint;

    /// <summary>The event's id.</summary>
    public Guid EventId => recorded.Record.EventId;

    /// <summary>
    /// The stable name of the event's type. Where an upconverter applies, or the type was registered under several names, it is the name of
    /// the present form.
    /// </summary>
    public string EventType => decoder.TypeOf(recorded);

    /// <summary>The stable name under which the event was stored, which is the name of <see cref="Payload"/>.</summary>
    public string StoredEventType => recorded.Record.EventType;

    /// <summary>The event's tags, in the order given; empty for none.</summary>
    public IReadOnlyList<string> Tags => recorded.Record.Tags;

    /// <summary>The id of the commit it belongs to.</summary>
    public Guid CommitId => recorded.Commit.CommitId;

    /// <summary>The number in the stream of the commit it belongs to.</summary>
    public CommitSequence CommitSequence => recorded.Commit.Sequence;

    /// <summary>When the commit was stored, in UTC.</summary>
    public DateTimeOffset Stamp => recorded.Commit.Stamp;

    /// <summary>The event's place in its commit, from 0.</summary>
    public int IndexInCommit => recorded.IndexInCommit;

    /// <summary>How many events the commit has.</summary>
    public int CommitEventCount => recorded.Commit.EventCount;

    /// <summary>The serialized body, decompressed and decrypted, as it was stored (not upconverted).</summary>
    /// <exception cref="PayloadTransformException">It cannot be decrypted or decompressed.</exception>
    public ReadOnlyMemory<byte> Payload => restored?.Payload ?? RestorePayload();

    /// <summary>The event itself, upconverted; an <see cref="UnknownEvent"/> where its type is not registered.</summary>
    /// <exception cref="EventSerializationException">The stored bytes cannot be read as that type.</exception>
    public object Body => body ??= decoder.DecodeBody(recorded, Payload);

    /// <summary>The event's headers; never null.</summary>
    public IReadOnlyDictionary<string, string> Headers => (restored ??= new Restored()).HeadersOf(recorded, decoder);

    /// <summary>The commit's headers; never null.</summary>
    public IReadOnlyDictionary<string, string> CommitHeaders =>
        (restored ??= new Restored()).CommitHeadersOf(recorded, decoder);

    /// <summary>The same event with another body, for a hook that shows another view of it.</summary>
    public CommittedEvent WithBody(object newBody)
    {
        ArgumentNullException.ThrowIfNull(newBody);
        return new CommittedEvent(this, newBody);
    }

    // A payload stored without transforms is not kept a second time: most are, and replays read millions.
    private ReadOnlyMemory<byte> RestorePayload()
    {
        var payload = decoder.RestorePayload(recorded);
        if (!payload.Equals(recorded.Record.Body)) (restored ??= new Restored()).Keep(payload);
        return payload;
    }

    /// <summary>The decoder of an event that was not read from a store.</summary>
    private sealed class GivenEvent(EventMessage message) : IEventDecoder
    {
        public ReadOnlyMemory<byte> RestorePayload(in RecordedEvent recorded) => recorded.Record.Body;

        public object DecodeBody(in RecordedEvent recorded, ReadOnlyMemory<byte> payload) => message.Body;

        public IReadOnlyDictionary<string, string> DecodeHeaders(in RecordedEvent recorded) => message.Headers;

        public IReadOnlyDictionary<string, string> DecodeCommitHeaders(in RecordedEvent recorded) => FrozenDictionary<string, string>.Empty;
    }

    /// <summary>The decoded parts, created on first use; few events have any.</summary>
    private sealed class Restored
    {
        private IReadOnlyDictionary<string, string>? headers;
        private IReadOnlyDictionary<string, string>? commitHeaders;

        public ReadOnlyMemory<byte>? Payload { get; private set; }

        public void Keep(ReadOnlyMemory<byte> payload) => Payload = payload;

        public IReadOnlyDictionary<string, string> HeadersOf(in RecordedEvent recorded, IEventDecoder decoder) =>
            headers ??= decoder.DecodeHeaders(recorded);

        public IReadOnlyDictionary<string, string> CommitHeadersOf(in RecordedEvent recorded, IEventDecoder decoder) =>
            commitHeaders ??= decoder.DecodeCommitHeaders(recorded);
    }
}

/// <summary>
/// The body of an event whose type is not registered: still readable, as bytes or as JSON. Appended, it is stored under its name with its
/// bytes (<see cref="EventMessage.OfBytes"/>).
/// </summary>
/// <param name="EventType">The type name.</param>
/// <param name="Payload">The body, decompressed and decrypted.</param>
public sealed record UnknownEvent(string EventType, ReadOnlyMemory<byte> Payload)
{
    private const int MaxDepth = 1000;

    /// <summary>Reads the payload as JSON, up to 1,000 levels deep.</summary>
    /// <exception cref="System.Text.Json.JsonException">The payload is not JSON.</exception>
    public System.Text.Json.JsonElement ReadJson()
    {
        using var document = System.Text.Json.JsonDocument.Parse(
            Payload, new System.Text.Json.JsonDocumentOptions { MaxDepth = MaxDepth });
        return document.RootElement.Clone();
    }
}
