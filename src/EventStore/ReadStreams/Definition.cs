using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace EventStore.ReadStreams;

/// <summary>What a read stream is, as one document: its condition as data, signed, and under which generation its links are kept.</summary>
internal sealed class Definition
{
    private const string Folder = "readstreams/definitions/";

    /// <summary>The condition as canonical JSON: two are the same if their texts are.</summary>
    public required string Condition { get; init; }

    /// <summary>HMAC-SHA256 (RFC 2104) over name and condition, by the key of the wireup.</summary>
    public required byte[] Signature { get; init; }

    /// <summary>Names the links; a new one with each rebuilding.</summary>
    public required Guid Generation { get; set; }

    /// <summary>Whether it is being dropped: its links are going, and then it goes itself.</summary>
    public bool IsDropped { get; set; }

    public static string Prefix => Folder;

    public static string DocumentOf(string name) => Folder + name;

    public static string NameIn(string document) => document[Folder.Length..];

    public static Definition Of(string name, EventPredicate condition, ReadOnlySpan<byte> key)
    {
        var text = TextOf(condition);
        return new Definition { Condition = text, Signature = Sign(name, text, key), Generation = NewId.Next() };
    }

    public static string TextOf(EventPredicate condition) => JsonSerializer.Serialize(condition, DefinitionJson.Default.EventPredicate);

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

    /// <summary>The condition, once the signature is found to be its own.</summary>
    /// <exception cref="ReadStreamException">The definition was changed, or signed with another key.</exception>
    public EventPredicate Verify(string name, ReadOnlySpan<byte> key)
    {
        if (!CryptographicOperations.FixedTimeEquals(Sign(name, Condition, key), Signature))
            throw new ReadStreamException(
                name, "was not opened: its stored filter does not carry this key's signature.", "Someone changed it, or it was made with another key: use that key, or drop the read stream and create it anew.");
        return JsonSerializer.Deserialize(Condition, DefinitionJson.Default.EventPredicate)!;
    }

    private static byte[] Sign(string name, string condition, ReadOnlySpan<byte> key) =>
        HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"read stream\0{name}\0{condition}"));

    private static ReadStreamException Unreadable(string name) =>
        new(name, "was not opened: its stored definition is no definition.", "Someone changed it: drop the read stream and create it anew.");
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Definition))]
[JsonSerializable(typeof(EventPredicate))]
internal sealed partial class DefinitionJson : JsonSerializerContext;
