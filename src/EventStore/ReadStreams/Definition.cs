using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using EventStore.Pipeline;

namespace EventStore.ReadStreams;

/// <summary>The document of a read stream: its condition as data, the signature, and the generation of its links.</summary>
internal sealed class Definition
{
    private const string Folder = "readstreams/definitions/";

    /// <summary>The condition as canonical JSON. Two conditions are equal if their texts are.</summary>
    public required string Condition { get; init; }

    /// <summary>HMAC-SHA256 (RFC 2104) over name and condition, by the key of the wireup.</summary>
    public required byte[] Signature { get; init; }

    /// <summary>Identifies the links; each rebuild makes a new one.</summary>
    public required Guid Generation { get; set; }

    /// <summary>Whether it is being dropped: its links are deleted, then this document.</summary>
    public bool IsDropped { get; set; }

    public static string Prefix => Folder;

    public static string DocumentOf(string name) => Folder + name;

    public static string NameIn(string document) => document[Folder.Length..];

    public static Definition Of(string name, EventPredicate condition, ReadOnlySpan<byte> key)
    {
        var text = Conditions.TextOf(condition);
        return new Definition { Condition = text, Signature = Sign(name, text, key), Generation = NewId.Next() };
    }

    public static Definition Read(string name, ReadOnlyMemory<byte> content)
    {
        try
        {
            return JsonSerializer.Deserialize(content.Span, DefinitionJson.Default.Definition) ?? throw Unreadable(name);
        }
        catch (JsonException)
        {
            throw Unreadable(name);
        }
    }

    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, DefinitionJson.Default.Definition);

    /// <summary>The condition, after the signature was verified.</summary>
    /// <exception cref="ReadStreamException">The definition was changed, or signed with another key.</exception>
    public EventPredicate Verify(string name, ReadOnlySpan<byte> key)
    {
        if (!CryptographicOperations.FixedTimeEquals(Sign(name, Condition, key), Signature))
            throw new ReadStreamException(
                name,
                "was not opened: its stored filter does not have the signature of this key.",
                "It was changed, or signed with another key: use that key, or drop the read stream and create it again.");
        try
        {
            return JsonSerializer.Deserialize(Condition, DefinitionJson.Default.EventPredicate) ?? throw Unreadable(name);
        }
        catch (Exception error) when (error is JsonException or NotSupportedException or ArgumentException or TooLargeException)
        {
            throw Unreadable(name);
        }
    }

    private static byte[] Sign(string name, string condition, ReadOnlySpan<byte> key) =>
        HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"read stream\0{name}\0{condition}"));

    private static ReadStreamException Unreadable(string name) =>
        new(name, "was not opened: its stored definition cannot be read.", "It was changed: drop the read stream and create it again.");
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Definition))]
[JsonSerializable(typeof(EventPredicate))]
internal sealed partial class DefinitionJson : JsonSerializerContext;
