using System.Buffers;
using System.Collections.Frozen;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace EventStore.Serialization;

/// <summary>Headers as one JSON object of strings. No headers are no bytes.</summary>
internal static class HeaderCodec
{
    /// <summary>No headers.</summary>
    public static readonly IReadOnlyDictionary<string, string> None = FrozenDictionary<string, string>.Empty;

    private static readonly JsonWriterOptions Readable =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    public static void Encode(IEnumerable<KeyValuePair<string, string>> headers, IBufferWriter<byte> output)
    {
        using var writer = new Utf8JsonWriter(output, Readable);
        writer.WriteStartObject();
        foreach (var (name, value) in headers)
        {
            if (value is null)
                throw new ArgumentException(
                    $"The header '{Names.Printable(name)}' has no value (null). Leave it out, or give it a text.", nameof(headers));
            // JSON would replace text that is not well-formed; headers are stored exactly or refused.
            Names.RequireWellFormed(name, "header's name");
            Names.RequireWellFormed(value, $"header '{Names.Printable(name)}'");
            writer.WriteString(name, value);
        }

        writer.WriteEndObject();
    }

    public static IReadOnlyDictionary<string, string> Decode(ReadOnlyMemory<byte> encoded)
    {
        var headers = new Dictionary<string, string>(StringComparer.Ordinal);
        var reader = new Utf8JsonReader(encoded.Span);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            reader.Read();
            headers[name] = reader.GetString()!;
        }

        return headers;
    }
}
