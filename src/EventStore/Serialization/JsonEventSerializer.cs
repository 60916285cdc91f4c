using System.Buffers;
using System.Collections.Concurrent;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace EventStore.Serialization;

/// <summary>Bodies as UTF-8 JSON, by System.Text.Json. The serializer of a store that names no other.</summary>
internal sealed class JsonEventSerializer(EventTypes types, JsonSerializerOptions options) : IEventSerializer
{
    private readonly ConcurrentDictionary<Type, JsonTypeInfo> contracts = new();
    private readonly ConcurrentDictionary<string, JsonTypeInfo> contractsByName = new(StringComparer.Ordinal);

    // A writer keeps the encoder it was created with, so only the serializer that created it may use it.
    [ThreadStatic]
    private static (JsonEventSerializer Owner, Utf8JsonWriter Writer)? idle;

    private readonly JsonWriterOptions writerOptions = new()
    {
        Encoder = new WellFormedEncoder(options.Encoder ?? JavaScriptEncoder.Default),
        MaxDepth = MaxDepthOf(options),
        SkipValidation = true,
    };

    public string Name => "System.Text.Json";

    /// <summary>How the serializer reads JSON, for code that looks into bodies beside it.</summary>
    public JsonDocumentOptions DocumentOptions { get; } = new()
    {
        MaxDepth = MaxDepthOf(options),
        AllowTrailingCommas = options.AllowTrailingCommas,
        CommentHandling = options.ReadCommentHandling,
    };

    /// <summary>
    /// Finds a registered type that has no JSON contract, or cannot be read back. Called at start-up, before the first commit or read.
    /// </summary>
    /// <exception cref="WireupException">There is such a type.</exception>
    public void RequireContracts()
    {
        foreach (var type in types.Registered)
        {
            try
            {
                _ = ContractOf(type);
            }
            catch (BodyException error)
            {
                throw new WireupException($"{type} is registered as '{Names.Printable(types.NameOf(type))}', but {error.Message}");
            }
            catch (Exception error) when (error is NotSupportedException or InvalidOperationException)
            {
                throw new WireupException(
                    $"{type} is registered as '{Names.Printable(types.NameOf(type))}', but has no JSON contract: {error.Message} "
                    + $"Add [JsonSerializable(typeof({type.Name}))] to the JsonSerializerContext, or remove the registration.");
            }
        }
    }

    /// <summary>The names under which a type may be stored, each with the name under which it is written now.</summary>
    public IEnumerable<KeyValuePair<string, string>> Aliases() =>
        from named in types.ByName
        let written = types.NameOf(named.Value)
        where written != named.Key
        select new KeyValuePair<string, string>(named.Key, written);

    public string NameOf(Type type) => types.NameOf(type);

    public void Serialize(object value, IBufferWriter<byte> output)
    {
        // A converter may call the serializer again, so the writer is removed while it is used.
        var writer = idle is { } mine && mine.Owner == this
            ? mine.Writer
            : new Utf8JsonWriter(output, writerOptions);
        idle = null;
        writer.Reset(output);
        JsonSerializer.Serialize(writer, value, ContractOf(value.GetType()));
        writer.Flush();
        idle = (this, writer);
    }

    public object Deserialize(string typeName, ReadOnlyMemory<byte> payload)
    {
        if (!contractsByName.TryGetValue(typeName, out var contract))
        {
            if (types.Find(typeName) is not { } type) return new UnknownEvent(typeName, payload);
            contract = contractsByName.GetOrAdd(typeName, ContractOf(type));
        }

        return JsonSerializer.Deserialize(payload.Span, contract)
            ?? throw new JsonException($"The stored JSON of an event of type '{typeName}' is null.");
    }

    private JsonTypeInfo ContractOf(Type type) =>
        contracts.TryGetValue(type, out var known)
            ? known
            : contracts.GetOrAdd(type, JsonContracts.RequireReadable(types.FindContract(type) ?? options.GetTypeInfo(type)));

    // The serializer's own default, where the option has none.
    private static int MaxDepthOf(JsonSerializerOptions options) => options.MaxDepth == 0 ? 64 : options.MaxDepth;
}
