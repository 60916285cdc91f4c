using System.Diagnostics.CodeAnalysis;
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

    /// <summary>Covers everything else in this document; see <see cref="ReadStreamSigner"/>.</summary>
    public required byte[] Signature { get; init; }

    /// <summary>Identifies the links; each rebuild makes a new one.</summary>
    public required Guid Generation { get; init; }

    /// <summary>Whether it is being dropped: its links are deleted, then this document.</summary>
    public bool IsDropped { get; init; }

    public static string Prefix => Folder;

    public static string DocumentOf(string name) => Folder + name;

    public static string NameIn(string document) => document[Folder.Length..];

    /// <summary>A new definition, with a generation of its own.</summary>
    public static Definition Of(string name, EventPredicate condition, ReadStreamSigner signer) =>
        Signed(name, Conditions.TextOf(condition), SequentialGuid.Next(), isDropped: false, signer);

    /// <summary>The same read stream with new links.</summary>
    public Definition Rebuilt(string name, ReadStreamSigner signer) =>
        Signed(name, Condition, SequentialGuid.Next(), isDropped: false, signer);

    /// <summary>The same read stream, being dropped.</summary>
    public Definition Dropped(string name, ReadStreamSigner signer) => Signed(name, Condition, Generation, isDropped: true, signer);

    public static Definition Read(string name, ReadOnlyMemory<byte> content) =>
        TryRead(content, out var definition) ? definition : throw Unreadable(name);

    public static bool TryRead(ReadOnlyMemory<byte> content, [NotNullWhen(true)] out Definition? definition)
    {
        try
        {
            definition = JsonSerializer.Deserialize(content.Span, DefinitionJson.Default.Definition);
        }
        catch (JsonException)
        {
            definition = null;
        }

        return definition is { Condition: not null, Signature: not null };
    }

    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, DefinitionJson.Default.Definition);

    /// <summary>The condition, after the signature was verified.</summary>
    /// <exception cref="ReadStreamException">The definition was changed, or signed with another key.</exception>
    public EventPredicate Verify(string name, ReadStreamSigner signer)
    {
        signer.RequireChoice(name);
        if (!signer.Fits(DocumentOf(name), ContentOf(Condition, Generation, IsDropped), Signature))
            throw new ReadStreamException(
                name,
                "was not opened: its stored filter does not have the signature of this key and this store.",
                "It was changed, signed with another key, or made for another store: use that key, or drop the read stream and create "
                + "it again.");
        try
        {
            return JsonSerializer.Deserialize(Condition, DefinitionJson.Default.EventPredicate) ?? throw Unreadable(name);
        }
        catch (Exception error) when (error is JsonException or NotSupportedException or ArgumentException or TooLargeException)
        {
            throw Unreadable(name);
        }
    }

    private static Definition Signed(string name, string condition, Guid generation, bool isDropped, ReadStreamSigner signer) => new()
    {
        Condition = condition,
        Generation = generation,
        IsDropped = isDropped,
        Signature = signer.Sign(DocumentOf(name), ContentOf(condition, generation, isDropped)),
    };

    private static byte[] ContentOf(string condition, Guid generation, bool isDropped) =>
        Encoding.UTF8.GetBytes($"{generation:N}\0{(isDropped ? "dropped" : "")}\0{condition}");

    public static ReadStreamException Unreadable(string name) =>
        new(name, "was not opened: its stored definition cannot be read.", "It was changed: drop the read stream and create it again.");
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Definition))]
[JsonSerializable(typeof(EventPredicate))]
internal sealed partial class DefinitionJson : JsonSerializerContext;
