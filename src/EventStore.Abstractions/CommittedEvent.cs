namespace EventStore;

/// <summary>Turns the stored form of an event into the application's, when asked.</summary>
public interface IEventDecoder
{
    /// <summary>Decrypts and decompresses the stored body.</summary>
    ReadOnlyMemory<byte> RestorePayload(in RecordedEvent recorded);

    /// <summary>Deserializes and upconverts a restored body.</summary>
    object DecodeBody(in RecordedEvent recorded, ReadOnlyMemory<byte> payload);

    /// <summary>Decodes the event's headers.</summary>
    IReadOnlyDictionary<string, string> DecodeHeaders(in RecordedEvent recorded);

    /// <summary>Decodes the commit's headers.</summary>
    IReadOnlyDictionary<string, string> DecodeCommitHeaders(in RecordedEvent recorded);
}

/// <summary>
/// A stored event as an application reads it. The body is deserialized when first asked for, so that reading bytes costs no decoding.
/// </summary>
public sealed class CommittedEvent
{
    private readonly RecordedEvent recorded;
    private readonly IEventDecoder decoder;
    private object? body;
    private Restored? restored;

    /// <summary>Wraps what an engine read, with the decoder that understands it.</summary>
    public CommittedEvent(in RecordedEvent recorded, IEventDecoder decoder)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        this.recorded = recorded;
        this.decoder = decoder;
    }

    private CommittedEvent(CommittedEvent original, object body) : this(original.recorded, original.decoder) => this.body = body;

    /// <summary>The stream.</summary>
    public StreamId Stream => recorded.Commit.Stream;

    /// <summary>The event's number in its stream.</summary>
    public Revision Revision => recorded.Revision;

    /// <summary>The event's position in the store.</summary>
    public Checkpoint Checkpoint => recorded.Checkpoint;

    /// <summary>The event's id.</summary>
    public Guid EventId => recorded.Record.EventId;

    /// <summary>The stable name of the type under which the event was stored.</summary>
    public string EventType => recorded.Record.EventType;

    /// <summary>The id of the commit it belongs to.</summary>
    public Guid CommitId => recorded.Commit.CommitId;

    /// <summary>The number in the stream of the commit it belongs to.</summary>
    public CommitSequence CommitSequence => recorded.Commit.Sequence;

    /// <summary>When the store took the commit, UTC.</summary>
    public DateTimeOffset Stamp => recorded.Commit.Stamp;

    /// <summary>The event's place in its commit, from 0.</summary>
    public int IndexInCommit => recorded.IndexInCommit;

    /// <summary>How many events the commit has.</summary>
    public int CommitSize => recorded.Commit.EventCount;

    /// <summary>The serialized body, decompressed and decrypted, as it was stored (not upconverted).</summary>
    /// <exception cref="PayloadTransformException">It cannot be decrypted or decompressed.</exception>
    public ReadOnlyMemory<byte> Payload => restored?.Payload ?? RestorePayload();

    /// <summary>The event itself, upconverted; an <see cref="UnknownEvent"/> where its type is not known here.</summary>
    /// <exception cref="EventSerializationException">The stored bytes cannot be read as that type.</exception>
    public object Body => body ??= decoder.DecodeBody(recorded, Payload);

    /// <summary>The event's headers; never null.</summary>
    public IReadOnlyDictionary<string, string> Headers => (restored ??= new Restored()).Headers ??= decoder.DecodeHeaders(recorded);

    /// <summary>The commit's headers; never null.</summary>
    public IReadOnlyDictionary<string, string> CommitHeaders => (restored ??= new Restored()).CommitHeaders ??= decoder.DecodeCommitHeaders(recorded);

    /// <summary>The same event with another body, for a hook that shows applications something else than is stored.</summary>
    public CommittedEvent WithBody(object newBody)
    {
        ArgumentNullException.ThrowIfNull(newBody);
        return new CommittedEvent(this, newBody);
    }

    // A payload that was stored as it is need not be remembered: most are, and replays read millions.
    private ReadOnlyMemory<byte> RestorePayload()
    {
        var payload = decoder.RestorePayload(recorded);
        if (!payload.Equals(recorded.Record.Body)) (restored ??= new Restored()).Payload = payload;
        return payload;
    }

    /// <summary>What was made of the stored form once it was asked for; few events have any.</summary>
    private sealed class Restored
    {
        public ReadOnlyMemory<byte>? Payload { get; set; }

        public IReadOnlyDictionary<string, string>? Headers { get; set; }

        public IReadOnlyDictionary<string, string>? CommitHeaders { get; set; }
    }
}

/// <summary>The body of an event whose type nobody registered: still readable, as bytes or as JSON.</summary>
/// <param name="EventType">The stored type name.</param>
/// <param name="Payload">The stored body, decompressed and decrypted.</param>
public sealed record UnknownEvent(string EventType, ReadOnlyMemory<byte> Payload)
{
    /// <summary>Reads the payload as JSON.</summary>
    /// <exception cref="System.Text.Json.JsonException">The payload is not JSON.</exception>
    public System.Text.Json.JsonElement ReadJson()
    {
        using var document = System.Text.Json.JsonDocument.Parse(Payload);
        return document.RootElement.Clone();
    }
}
