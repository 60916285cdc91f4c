namespace EventStore.Engines;

/// <summary>Decodes the stored form of an event, part by part.</summary>
public interface IEventDecoder
{
    /// <summary>The name of the event's type that an application sees: the one into which the stored one is converted.</summary>
    string TypeOf(in RecordedEvent recorded) => recorded.Record.EventType;

    /// <summary>Decrypts and decompresses the stored body.</summary>
    ReadOnlyMemory<byte> RestorePayload(in RecordedEvent recorded);

    /// <summary>Deserializes and upconverts a restored body.</summary>
    object DecodeBody(in RecordedEvent recorded, ReadOnlyMemory<byte> payload);

    /// <summary>Decodes the event's headers.</summary>
    IReadOnlyDictionary<string, string> DecodeHeaders(in RecordedEvent recorded);

    /// <summary>Decodes the commit's headers.</summary>
    IReadOnlyDictionary<string, string> DecodeCommitHeaders(in RecordedEvent recorded);
}
