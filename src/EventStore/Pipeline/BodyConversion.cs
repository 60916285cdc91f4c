using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;
using EventStore.Serialization;

namespace EventStore.Pipeline;

/// <summary>Converts stored bodies into their present form: upconverters of JSON, then mappings; upconverters of objects later.</summary>
/// <param name="upconversion">The upconverters.</param>
/// <param name="mapper">The mappings; null for none.</param>
/// <param name="json">How the serializer reads JSON.</param>
/// <param name="names">The names of stored types and of their present forms.</param>
internal sealed class BodyConversion(Upconversion upconversion, EnvelopeMapper? mapper, JsonDocumentOptions json, TypeNames names)
{
    // A name that stands twice in an object would be converted into one of its values, whichever it is.
    private readonly JsonDocumentOptions unambiguous = json with { AllowDuplicateProperties = false };

    private static JsonReaderOptions Anything { get; } =
        new() { MaxDepth = int.MaxValue, AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip };

    public TypeNames Names => names;

    /// <summary>Reads a body as JSON as the serializer would.</summary>
    /// <exception cref="JsonException">It is not JSON.</exception>
    public JsonDocument Parse(ReadOnlyMemory<byte> payload) => JsonDocument.Parse(payload, json);

    public (string Type, ReadOnlyMemory<byte> Payload) ConvertJson(in RecordedEvent recorded, ReadOnlyMemory<byte> payload)
    {
        var type = recorded.Record.EventType;
        var isConverted = upconversion.Converts(type);
        if (!isConverted && (mapper is null || !MayBeObject(payload))) return (type, payload);
        var node = JsonNode.Parse(payload.Span, documentOptions: unambiguous) ?? throw new BodyException("the stored JSON is null.");
        if (isConverted) (type, node) = upconversion.Convert(type, node);
        if (node is JsonObject body) mapper?.Apply(recorded, body);

        var output = new ArrayBufferWriter<byte>(payload.Length + 128);
        using (var writer = new Utf8JsonWriter(output, new JsonWriterOptions { MaxDepth = json.MaxDepth })) node.WriteTo(writer);
        return (type, output.WrittenMemory);
    }

    public object ConvertObject(object body) => upconversion.HasObjects ? upconversion.ConvertObject(body) : body;

    // Bodies of other formats have no place for a mapped value. JSON that is too deep, or has a name twice, is an error and not among them.
    private static bool MayBeObject(ReadOnlyMemory<byte> payload)
    {
        if (!payload.Span.TrimStart(" \t\r\n/"u8).StartsWith("{"u8)) return false;
        var reader = new Utf8JsonReader(payload.Span, Anything);
        try
        {
            while (reader.Read())
            {
                // Only whether it is JSON matters.
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
